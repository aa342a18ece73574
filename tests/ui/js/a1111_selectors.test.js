// Selectors as A1111's extensions write them, and what they mean here.
import fc from "fast-check";
import { expect, test } from "vitest";
import text from "../../../webui/compat/a1111/javascript/scripts/10_selectors.js?raw";

/** @type {{splitList(list: string): string[], translate(selector: string): string, loosen(selector: string): string | null}} */
const host = new Function(`${text}; return atelierHost;`)();

/** @type {[string, string][]} */
const MEANT = [
  ["#txt2img_prompt > label > textarea", "#txt2img_prompt > label textarea"],
  ["#settings > .tab-nav > button", "#settings_sections a"],
  ['[style="display: block;"].tabitem', '[style*="display: block"].tabitem'],
  ["#a button[aria-label='Remove Image']", "#a button[aria-label='Clear']"],
  ["#img2img_seed input[type=number]", "#img2img_seed input"],
  ["#image_buttons_txt2img > .form", "#image_buttons_txt2img"],
  ["#txt2img_extra_tabs .card", "#txt2img_extra_tabs ~ .generation-columns > .cards-page .card"],
  ['#img2maskimg input[type="file"][accept="image/*"].svelte-116rqfv', '#img2maskimg input[type="file"][accept="image/*"]'],
  ["#script_list select", "select[id$='_script_list']"],
  ["#txt2img_controlnet_ControlNet_input_image input", "#txt2img_controlnet_bridge-0 input"],
  ["#txt2img_controlnet_ControlNet-2_input_image input", "#txt2img_controlnet_bridge-2 input"],
];

test.each(MEANT)("%s may mean %s", (selector, meant) => {
  expect(host.splitList(host.translate(selector))).toContain(meant);
});

test.each(["#tabs", ".a > .b", "#txt2img_controlnet_panel", "a:is(b, c)[title='x, y']"])("%s means itself alone", (selector) => {
  expect(host.translate(selector)).toBe(selector);
});

test("a selector with steps that Gradio draws in other numbers is found without them", () => {
  expect(host.loosen("#txt2img_cfg_scale > div:nth-child(2) > div > input")).toBe("#txt2img_cfg_scale input");
  expect(host.loosen(".a > b")).toBeNull();
  expect(host.loosen("#a b")).toBeNull();
});

const simple = fc.constantFrom("#a", ".b > c", "d[title='x, y']", "e:is(f, g)", 'h["]"]', "i\\,j", "#txt2img_prompt > label > textarea");

test("lists are divided at their own commas alone, and each of them stays among what is meant", () => {
  fc.assert(
    fc.property(fc.array(simple, { minLength: 1, maxLength: 5 }), (selectors) => {
      expect(host.splitList(selectors.join(", "))).toEqual(selectors);
      const meant = host.splitList(host.translate(selectors.join(", ")));
      for (const selector of selectors) expect(meant).toContain(selector);
    }),
  );
});

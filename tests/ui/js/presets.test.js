// Presets without a page: which texts are one, and what becomes of one that arrives.
import { beforeEach, expect, test, vi } from "vitest";
import { isPreset, presetFile } from "../../../webui/ui/assets/js/drop/texts.js";
import { showArrivals } from "../../../webui/ui/assets/js/drop/arrivals.js";
import { Tray } from "../../../webui/ui/assets/js/drop/tray.js";
import { publish } from "../../../webui/ui/assets/js/dom.js";

const TEXT = '{\n "atelier_preset": 1, "fields": {}}';

beforeEach(() => {
  sessionStorage.clear();
  document.body.innerHTML = `<button id="txt2img_read_form"></button><button id="txt2img_fill_form"></button>`;
});

test.each([
  [TEXT, true],
  [`  ${TEXT}`, true],
  ['{"fields": {}, "atelier_preset" : 7}', true],
  ['{"nodes": []}', false],
  ['a prompt that says "atelier_preset": 1', false],
  ["https://civitai.com/models/1", false],
  ["", false],
])("%s is a preset: %s", (text, expected) => {
  expect(isPreset(text)).toBe(expected);
});

test("A text becomes a file with the same content", async () => {
  expect(await presetFile(TEXT).text()).toBe(TEXT);
});

test("One that arrives is told to the list, offered and not applied; missing models have lines of their own", async () => {
  let renewed = 0;
  addEventListener("presets", () => (renewed += 1), { once: true });
  publish({ cardsChanged: () => {}, fetchLink: () => {} });
  const tray = new Tray();
  const missing = [{ kind: "checkpoint", name: "dreams", state: "missing", link: "hash:00112233" }];
  /** @type {Arrival} */
  const arrival = {
    outcome: "preset",
    name: "heron.json",
    sentence: "It was kept.",
    kind: "",
    title: "",
    card: null,
    infotext: null,
    missing,
    added: ["heron"],
  };
  await showArrivals([arrival], tray.add("heron.json"), tray, null);
  expect(renewed).toBe(1);
  expect([...tray.list.querySelectorAll("button")].map(({ textContent }) => textContent)).toEqual(["Fetch it", "Apply"]);
});

test("A form is read, filled and put back through the page's hidden buttons, each asker with its own answer", async () => {
  // Its functions for the page are published as it is loaded, into a page that another file may have had.
  vi.resetModules();
  // eslint-disable-next-line no-restricted-syntax -- at the top it would be loaded once
  const { fillForm, putBack, readForm } = await import("../../../webui/ui/assets/js/form.js");
  let shown = /** @type {unknown[]} */ (["a cat", 20]);
  window.webui.forms = { "atelier.txt2img": [["prompt", "x"], ["steps", null]] };
  document.querySelector("#txt2img_read_form")?.addEventListener("click", () => window.webui.formRead("txt2img", shown));
  document.querySelector("#txt2img_fill_form")?.addEventListener("click", () => {
    const fields = JSON.parse(window.webui.nextFill("txt2img"));
    shown = [fields.prompt ?? shown[0], fields.steps ?? shown[1]];
    window.webui.formFilled("txt2img");
  });
  const restore = await putBack("txt2img");
  await Promise.all([fillForm("txt2img", { prompt: "a dog" }), fillForm("txt2img", { steps: 5 })]);
  expect(await readForm("txt2img")).toEqual({ prompt: "a dog", steps: 5 });
  await restore();
  expect(await readForm("txt2img")).toEqual({ prompt: "a cat", steps: 20 });
});

// Cards in prompts: written by a click, found whatever weight stands there, taken out by the next.
import fc from "fast-check";
import { beforeEach, expect, test } from "vitest";
import { followPrompts, isInPrompt, isUsed, tabsUsing, takeOut, toggle, toggleWords } from "../../../webui/ui/assets/js/cards/prompt.js";

/** @type {HTMLTextAreaElement} */
let prompt;
/** @type {HTMLTextAreaElement} */
let negative;

beforeEach(() => {
  document.body.innerHTML = `
    <div id="txt2img_prompt"><textarea></textarea></div>
    <div id="txt2img_neg_prompt"><textarea></textarea></div>`;
  [prompt, negative] = [...document.querySelectorAll("textarea")];
  followPrompts("txt2img");
});

/**
 * A card as the server tells of it, of which prompts need this much.
 * @param {Partial<Card>} facts
 */
function makeCard(facts) {
  return /** @type {Card} */ ({ kind: "lora", insert: "", insert_negative: "", ...facts });
}

const GLOW = makeCard({ insert: "<lora:glow:1> bright, lamp" });
const UGLY = makeCard({ kind: "embedding", insert: "ugly" });

test.each([
  ["", "<lora:glow:1> bright, lamp"],
  ["a fox", "a fox <lora:glow:1> bright, lamp"],
  ["a fox, ", "a fox, <lora:glow:1> bright, lamp"],
])("a card is written after %j", (before, after) => {
  prompt.value = before;
  expect(toggle("txt2img", GLOW)).toBe(true);
  expect(prompt.value).toBe(after);
});

test("Gradio is told of what is written", () => {
  const told = /** @type {string[]} */ ([]);
  prompt.addEventListener("input", () => told.push(prompt.value));
  toggle("txt2img", GLOW);
  expect(told).toEqual([prompt.value]);
});

test.each(["<lora:glow:0.35> bright, lamp", "a fox <LORA:Glow:1:0.5>, b", "<lora:glow>"])("it is found in %j", (text) => {
  prompt.value = text;
  expect(isUsed("txt2img", GLOW)).toBe(true);
});

test.each(["<lora:glower:1>", "<lyco:glow:1>", "glow", "a <lora:aglow:1>"])("it is not in %j", (text) => {
  prompt.value = text;
  expect(isUsed("txt2img", GLOW)).toBe(false);
});

test("what the artist weighed is taken out, and all else stays", () => {
  prompt.value = "a fox <lora:glow:0.35> bright, lamp, a tree";
  expect(toggle("txt2img", GLOW)).toBe(false);
  expect(prompt.value).toBe("a fox, a tree");
});

test("words for the negative prompt come and go with the card", () => {
  const card = makeCard({ insert: "<lora:glow:1>", insert_negative: "dark" });
  negative.value = "blurry";
  toggle("txt2img", card);
  expect([prompt.value, negative.value]).toEqual(["<lora:glow:1>", "blurry, dark"]);
  toggle("txt2img", card);
  expect([prompt.value, negative.value]).toEqual(["", "blurry"]);
});

test("an embedding goes where the artist was last", () => {
  negative.dispatchEvent(new Event("focus"));
  toggle("txt2img", UGLY);
  prompt.dispatchEvent(new Event("focus"));
  expect([prompt.value, negative.value]).toEqual(["", "ugly"]);
  expect(isUsed("txt2img", UGLY)).toBe(true);
  toggle("txt2img", UGLY);
  expect(negative.value).toBe("");
});

test.each(["ugly", "(ugly:1.2)", "a, ugly", "[ugly]", "ugly, b", "a ugly:0.5"])("an embedding is in %j", (text) => {
  expect(isInPrompt("txt2img", "ugly")).toBe(false);
  prompt.value = text;
  expect(isInPrompt("txt2img", "ugly")).toBe(true);
});

test.each(["uglyish", "nugly", "an-ugly"])("an embedding is not in %j", (text) => {
  prompt.value = text;
  expect(isInPrompt("txt2img", "ugly")).toBe(false);
});

test("no words are never there", () => {
  prompt.value = "a";
  expect(isInPrompt("txt2img", "")).toBe(false);
});

test("whatever a name is made of, a card comes and goes and the prompt is as before", () => {
  const word = fc.stringMatching(/^[a-z]{1,6}$/);
  const name = fc.string({ unit: fc.constantFrom(..."abZ09 ._-+*?^${}()|[]\\é"), minLength: 1, maxLength: 12 })
    .map((text) => `x${text.trim()}x`);
  fc.assert(
    fc.property(fc.array(word, { maxLength: 4 }), name, fc.integer({ min: -9, max: 9 }), (words, stem, weight) => {
      const before = words.join(", ");
      prompt.value = before;
      const card = makeCard({ insert: `<lora:${stem}:${weight / 10}>` });
      expect(toggle("txt2img", card)).toBe(true);
      expect(isUsed("txt2img", card)).toBe(true);
      expect(toggle("txt2img", card)).toBe(false);
      expect(prompt.value).toBe(before);
    }),
  );
});

test("a card is taken out of the prompts of all tabs, whatever weight it has there", () => {
  document.body.insertAdjacentHTML("beforeend", `<div id="img2img_prompt"><textarea></textarea></div>`);
  const other = /** @type {HTMLTextAreaElement} */ (document.querySelector("#img2img_prompt textarea"));
  prompt.value = "a fox <lora:glow:0.4>, snow";
  other.value = "a heron <lora:glow:1> bright, lamp";
  expect(tabsUsing(GLOW)).toEqual(["txt2img", "img2img"]);
  takeOut(GLOW);
  expect([prompt.value, other.value]).toEqual(["a fox, snow", "a heron"]);
  expect(tabsUsing(GLOW)).toEqual([]);
  takeOut(GLOW);
  expect(prompt.value).toBe("a fox, snow");
});

test("tags of the training pictures come and go", () => {
  prompt.value = "a fox";
  expect(toggleWords("txt2img", "1girl (solo)")).toBe(true);
  expect(prompt.value).toBe("a fox, 1girl (solo)");
  expect(toggleWords("txt2img", "1girl (solo)")).toBe(false);
  expect(prompt.value).toBe("a fox");
});

// What a fill changed, in words.
import { expect, test } from "vitest";
import { changedFields, describeFields } from "../../../webui/ui/assets/js/typed/fields.js";

test("fields that are not what they were are told, the most important first", () => {
  const before = { sampler: "Euler", styles: [], steps: 20, seed: "-1", prompt: "a" };
  const after = { sampler: "DDIM", styles: [], steps: 20, seed: "5", prompt: "b" };
  expect(changedFields(before, after)).toEqual(["prompt", "seed", "sampler"]);
  expect(changedFields(before, { ...before, styles: [] })).toEqual([]);
  expect(changedFields(before, { ...before, styles: ["ink"] })).toEqual(["styles"]);
});

test.each([
  [["prompt"], "prompt"],
  [["prompt", "negative_prompt"], "prompt and negative prompt"],
  [["prompt", "seed", "cfg_scale"], "prompt, seed and CFG scale"],
  [["prompt", "seed", "width", "height"], "prompt, seed and 2 more fields"],
])("%j in words", (names, words) => {
  expect(describeFields(names)).toBe(words);
});

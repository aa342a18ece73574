// Weights in prompts by Ctrl+Up and Ctrl+Down.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { reweigh } from "../../../webui/ui/assets/js/attention.js";

/**
 * A prompt with | at both ends of the selection, after one press; null where nothing changed.
 * @param {string} before
 * @param {1 | -1} direction
 */
function press(before, direction) {
  const [start, end] = [before.indexOf("|"), before.lastIndexOf("|") - 1];
  return reweigh(before.replaceAll("|", ""), start, end, direction, 0.1);
}

/** @type {[string, 1 | -1, string][]} */
const WEIGHTS = [
  ["a |red| fox", 1, "a (red:1.1) fox"],
  ["a re||d fox", 1, "a (red:1.1) fox"],
  ["||red fox", 1, "(red:1.1) fox"],
  ["red fox||", 1, "red (fox:1.1)"],
  ["a (re||d:1.1) fox", 1, "a (red:1.2) fox"],
  ["a (re||d:1.1) fox", -1, "a red fox"],
  ["a (|red|:1.1) fox", 1, "a (red:1.2) fox"],
  ["a |(red:1.1)| fox", 1, "a (red:1.2) fox"],
  ["a (|red fox|:1.1)", -1, "a red fox"],
  ["a (|red| fox:1.1)", 1, "a ((red:1.1) fox:1.1)"],
  ["a |red |fox", -1, "a (red:0.9) fox"],
  ["a (b (c||d:1.3):1.2)", -1, "a (b (cd:1.2):1.2)"],
  ["a (b (cd:1.3) e||f:1.2)", -1, "a (b (cd:1.3) ef:1.1)"],
  ["(b (cd:1.3)||)", 1, "(b (cd:1.3))"],
  ["(red:1.9||)", 1, "(red:2.0)"],
  ["(red:0.1||)", -1, "(red:0.0)"],
  ["(red:0.0||)", -1, "(red:-0.1)"],
  ["(red: .9 ||)", 1, "red"],
  ["(re||d)", 1, "((red:1.1))"],
  ["fox \\(re||d\\) x:1.2)", 1, "fox \\((red:1.1)\\) x:1.2)"],
  ["(fox \\(re||d\\) x:1.2)", 1, "(fox \\(red\\) x:1.3)"],
  ["<lora:gl||ow:0.8>", 1, "<lora:glow:0.85>"],
  ["<lora:|glow|:0.8>", 1, "<lora:glow:0.85>"],
  ["<lora:gl||ow:0.95>", 1, "<lora:glow:1.0>"],
  ["(a <hypernet:gl||ow:1> b:1.5)", -1, "(a <hypernet:glow:0.95> b:1.5)"],
  ["a < re||d, b > c", 1, "a < (red:1.1), b > c"],
];

test.each(WEIGHTS)("%s by %i becomes %s", (before, direction, after) => {
  const result = press(before, direction);
  expect(result?.text ?? before.replaceAll("|", "")).toBe(after);
});

test.each(["a  ||  b", "a |  | b", "", "||", "<lora:gl||ow>", "a ||, b"])("%j has nothing to weigh", (before) => {
  expect(press(before, 1)).toBeNull();
});

const word = fc.stringMatching(/^[a-zé0-9_-]{1,8}$/);
const words = fc.array(word, { minLength: 1, maxLength: 6 });
const direction = fc.constantFrom(/** @type {const} */ (1), /** @type {const} */ (-1));

describe("for all prompts", () => {
  test("pressing the other key as often brings the prompt back, and the words stay selected", () => {
    fc.assert(
      fc.property(words, fc.nat(5), direction, fc.integer({ min: 1, max: 30 }), (all, chosen, way, times) => {
        const at = chosen % all.length;
        const text = all.join(" ");
        const start = all.slice(0, at).join(" ").length + (at ? 1 : 0);
        let state = { text, start, end: start + all[at].length };
        const step = (/** @type {1 | -1} */ by) => {
          const next = reweigh(state.text, state.start, state.end, by, 0.1);
          if (!next) throw new Error(`nothing to weigh in ${JSON.stringify(state)}`);
          state = next;
          expect(state.text.slice(state.start, state.end)).toBe(all[at]);
        };
        for (let press = 0; press < times; press++) step(way);
        const weight = Number((1 + (way * times) / 10).toFixed(1));
        expect(state.text).toBe([...all.slice(0, at), weight === 1 ? all[at] : `(${all[at]}:${weight.toFixed(1)})`, ...all.slice(at + 1)].join(" "));
        for (let press = 0; press < times; press++) step(/** @type {1 | -1} */ (-way));
        expect(state.text).toBe(text);
      }),
    );
  });

  test("whatever is written and selected, all but brackets and one weight stays", () => {
    const rest = (/** @type {string} */ text) => text.replace(/[()<>:.\d+\s-]/g, "");
    const prompt = fc.string({ unit: fc.constantFrom(..."ab ,:()<>1.\\"), maxLength: 40 });
    fc.assert(
      fc.property(prompt, fc.nat(40), fc.nat(40), direction, (text, one, other, way) => {
        const [start, end] = [one, other].map((at) => Math.min(at, text.length)).sort((a, b) => a - b);
        const result = reweigh(text, start, end, way, 0.1);
        if (!result) return;
        expect(rest(result.text)).toBe(rest(text));
        expect(result.start).toBeGreaterThanOrEqual(0);
        expect(result.end).toBeLessThanOrEqual(result.text.length);
        expect(result.text).not.toContain("NaN");
      }),
      { numRuns: 2000 },
    );
  });
});

// What becomes of a typed number: kept, cut, rounded or put back, never without a word, and never wrong.
import fc from "fast-check";
import { expect, test } from "vitest";
import { MAX_SEED, judgeNumber, judgeSeed, warnOfNumber, warnOfSeed } from "../../../webui/ui/assets/js/typed/numbers.js";

/** @typedef {import("../../../webui/ui/assets/js/typed/numbers.js").NumberRules} NumberRules */

const ANY = { min: -Infinity, max: Infinity, multiple: null, mayBeEmpty: false };
const SIDE = { ...ANY, min: 64, max: 2048, multiple: 8 };
const STEPS = { ...ANY, min: 1, max: 150, multiple: 1 };
const SCALE = { ...ANY, min: 1, max: 30 };

test.each(/** @type {[string, NumberRules, string, string][]} */ ([
  ["512", SIDE, "512", ""],
  ["257", SIDE, "256", "Sizes go in steps of 8; set to 256"],
  ["33.3", SIDE, "64", "64 is the smallest; set to 64"],
  ["99999", SIDE, "2048", "2048 is the largest; set to 2048"],
  ["", SIDE, "320", "A number is needed; back to 320"],
  ["  ", SIDE, "320", "A number is needed; back to 320"],
  ["20.4", STEPS, "20", "Whole numbers only; set to 20"],
  ["0", STEPS, "1", "1 is the smallest; set to 1"],
  ["7.25", SCALE, "7.25", ""],
  ["1e3", STEPS, "150", "150 is the largest; set to 150"],
  ["", { ...ANY, mayBeEmpty: true }, "", ""],
  ["-3.5", ANY, "-3.5", ""],
]))("%j becomes what is allowed", (text, rules, value, words) => {
  expect(judgeNumber(text, rules, "320")).toEqual({ value, words });
});

const rules = fc.record({
  min: fc.integer({ min: -20, max: 100 }),
  width: fc.integer({ min: 8, max: 3000 }),
  multiple: fc.constantFrom(null, 1, 8),
}).map(({ min, width, multiple }) => ({ min, max: min + width, multiple, mayBeEmpty: false }));
const text = fc.oneof(
  fc.string({ maxLength: 8 }),
  fc.double({ noNaN: true }).map(String),
  fc.integer({ min: -5000, max: 5000 }).map(String),
);

test("whatever is typed, what the field then holds is allowed, and a change is said", () => {
  fc.assert(
    fc.property(text, rules, (typed, allowed) => {
      const last = String(judgeNumber(String(allowed.min), allowed, "").value);
      const { value, words } = judgeNumber(typed, allowed, last);
      const number = Number(value);
      expect(number).toBeGreaterThanOrEqual(allowed.min);
      expect(number).toBeLessThanOrEqual(allowed.max);
      if (allowed.multiple && value !== String(allowed.min) && value !== String(allowed.max)) {
        expect(Math.abs(number % allowed.multiple)).toBe(0);
      }
      expect(words === "").toBe(value === typed);
    }),
  );
});

test("while a number is typed only what is too large already is said", () => {
  expect(["1", "10", "102", "", "2048"].map((typed) => warnOfNumber(typed, SIDE))).toEqual(["", "", "", "", ""]);
  expect(warnOfNumber("20480", SIDE)).toBe("2048 is the largest");
});

test.each([
  ["1234", "1234"],
  [" 12 34", "1234"],
  ["12,34", "1234"],
  ["1\u00a0234\u202f567", "1234567"],
  ["1'234’567", "1234567"],
  ["1234,\n", "1234"],
  ["Seed: 1234", "1234"],
  ["-1 ", "-1"],
  ["\u22121", "-1"],
  ["007", "7"],
  [String(MAX_SEED), String(MAX_SEED)],
])("the seed in %j is clear", (typed, seed) => {
  expect(judgeSeed(typed, "5")).toEqual({ value: seed, words: "" });
});

test.each(["abc", "3.7", "1, 2", "-5", "1e5", "12.345.678", "0x10", "", "--1", "12 ab"])("%j is no seed", (typed) => {
  const rule = "A seed is a whole number, or -1 for a new one each time";
  expect(judgeSeed(typed, "5")).toEqual({ value: "5", words: `${rule}; back to 5` });
});

test("a seed beyond the last one is put back, with the last one said", () => {
  expect(judgeSeed(String(MAX_SEED + 1n), "-1").words).toBe("The largest seed is 18446744073709551615; back to -1");
});

test("a seed is said to be wrong once it cannot become right", () => {
  expect(["", "-", "-1", "12", "12 "].map(warnOfSeed)).toEqual(["", "", "", "", ""]);
  expect(warnOfSeed("abc")).toBe("A seed is a whole number, or -1 for a new one each time");
});

test("a seed, however a page groups its digits, is the same seed", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: MAX_SEED }), fc.constantFrom(",", " ", "\u202f", "'", "_"), (seed, mark) => {
      const grouped = String(seed).replaceAll(/\B(?=(\d{3})+$)/g, mark);
      expect(judgeSeed(grouped, "-1").value).toBe(String(seed));
    }),
  );
});

// What a typed number means: taken as it is, set to the nearest that is allowed, or put back, with a sentence.

/** The greatest seed, as the server takes it; see MAX_SEED in webui/core/request.py. */
export const MAX_SEED = 2n ** 64n - 1n;
const SEED_RULE = "A seed is a whole number, or -1 for a new one each time";
// A copy brings spaces, and marks between thousands; with a space after a comma it would be a list.
const SPACED_DIGITS = /^\+?\d+(?:[\s,_'’]\d+)*$/;

/**
 * What a number field allows. `multiple` is what values are whole multiples of, null for any number.
 * @typedef {{min: number, max: number, multiple: number | null, mayBeEmpty: boolean}} NumberRules
 */

/**
 * What a field holds once it is left, and what is said about it; no words where all is well.
 * @typedef {{value: string, words: string}} Judged
 */

/**
 * The nearest multiple within the range, as far as there is one.
 * @param {number} number
 * @param {NumberRules & {multiple: number}} rules
 */
function roundTo(number, { min, max, multiple }) {
  const rounded = Math.round(number / multiple) * multiple;
  if (rounded > max) return rounded - multiple;
  return rounded < min ? rounded + multiple : rounded;
}

/**
 * @param {string} text what the field shows; empty also where the browser can make no number of it
 * @param {NumberRules} rules
 * @param {string} last the last value that was allowed
 * @returns {Judged}
 */
export function judgeNumber(text, rules, last) {
  const { min, max, multiple, mayBeEmpty } = rules;
  const number = text.trim() ? Number(text) : Number.NaN;
  if (mayBeEmpty && !text.trim()) return { value: "", words: "" };
  if (!Number.isFinite(number)) return { value: last, words: `A number is needed; back to ${last}` };
  if (number > max) return { value: String(max), words: `${max} is the largest; set to ${max}` };
  if (number < min) return { value: String(min), words: `${min} is the smallest; set to ${min}` };
  const rounded = multiple ? roundTo(number, { ...rules, multiple }) : number;
  if (rounded === number) return { value: text, words: "" };
  const rule = multiple === 1 ? "Whole numbers only" : `Sizes go in steps of ${multiple}`;
  return { value: String(rounded), words: `${rule}; set to ${rounded}` };
}

/**
 * Why a number will not do however it goes on, said while it is typed; empty where it still may.
 * @param {string} text
 * @param {NumberRules} rules
 */
export function warnOfNumber(text, { max }) {
  return Number(text) > max ? `${max} is the largest` : "";
}

/**
 * @param {string} text
 * @param {string} last the last seed that was allowed
 * @returns {Judged}
 */
export function judgeSeed(text, last) {
  const bare = text.normalize("NFKC").replaceAll("\u2212", "-").trim()
    .replace(/^seed\s*[:=]\s*/i, "").replace(/[\s,;.]+$/, "");
  if (/^-\s?1$/.test(bare)) return { value: "-1", words: "" };
  const seed = SPACED_DIGITS.test(bare) ? BigInt(bare.replaceAll(/\D/g, "")) : null;
  if (seed !== null && seed <= MAX_SEED) return { value: String(seed), words: "" };
  const rule = seed === null ? SEED_RULE : `The largest seed is ${MAX_SEED}`;
  return { value: last, words: `${rule}; back to ${last}` };
}

/**
 * Why a text is no seed however it goes on; empty where it may become one.
 * @param {string} text
 */
export function warnOfSeed(text) {
  if (["", "-", "+"].includes(text.trim())) return "";
  return judgeSeed(text, "").words.split(";")[0];
}

// The fields of a form in words, and which of them changed.

/** @typedef {import("../form.js").Fields} Fields */

// So many are named; of more the others are counted.
const MOST_NAMED = 3;
const FIRST = ["prompt", "seed", "negative_prompt", "width", "height", "steps"];
/** @type {Record<string, string>} */
const WORDS = { cfg_scale: "CFG scale", hires: "Hires. fix", schedule: "schedule type", sampler: "sampling method" };

/**
 * Names of the fields that are not what they were, the most important first.
 * @param {Fields} before
 * @param {Fields} after
 */
export function changedFields(before, after) {
  const place = (/** @type {string} */ name) => (FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length);
  const isChanged = (/** @type {string} */ name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]);
  return Object.keys(after).filter(isChanged).sort((one, other) => place(one) - place(other));
}

/**
 * "prompt, seed and 7 more fields" for names of fields.
 * @param {string[]} names
 */
export function describeFields(names) {
  const words = names.map((name) => WORDS[name] ?? name.replaceAll("_", " "));
  if (words.length === 1) return words[0];
  const named = words.length > MOST_NAMED ? words.slice(0, 2) : words.slice(0, -1);
  const others = words.length - named.length;
  return `${named.join(", ")} and ${others > 1 ? `${others} more fields` : words.at(-1)}`;
}

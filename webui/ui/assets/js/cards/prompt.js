// Cards and the prompts: a click writes a card's text into the prompt, the next takes it out again.
import { find, type } from "../dom.js";

// By tab, whether the artist was last in the negative prompt: as in A1111, embeddings are written there then.
const inNegative = /** @type {Map<Tab, boolean>} */ (new Map());

/**
 * Follows in which of a tab's prompts the artist is.
 * @param {Tab} tab
 */
export function followPrompts(tab) {
  for (const negative of [false, true]) {
    fieldOf(tab, negative)?.addEventListener("focus", () => inNegative.set(tab, negative));
  }
}

/** @param {string} text */
function escapePattern(text) {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

/**
 * What finds a card's text whatever weight stands in it.
 * @param {string} text
 */
function patternOf(text) {
  const tag = /^<(\w+):([^:>]+)(:[^>]*)?>$/.exec(text.split(" ")[0]);
  if (!tag) return new RegExp(`(?:^|,\\s*|\\s|(?<=[(\\[]))${escapePattern(text)}(?=$|[\\s,:)\\]])`);
  const rest = text.slice(text.indexOf(">") + 1);
  const words = rest ? `(?:${escapePattern(rest)})?` : "";
  return new RegExp(`\\s*<${tag[1]}:${escapePattern(tag[2])}(?::[^>]*)?>${words}`, "i");
}

/**
 * @param {Tab} tab
 * @param {boolean} negative
 */
function fieldOf(tab, negative) {
  return find(`#${tab}_${negative ? "neg_prompt" : "prompt"} textarea`);
}

/**
 * Whether a card's text stands in one of the tab's prompts.
 * @param {Tab} tab
 * @param {string} text
 * @param {boolean} [negative]
 */
export function isInPrompt(tab, text, negative = false) {
  return Boolean(text) && patternOf(text).test(fieldOf(tab, negative)?.value ?? "");
}

/**
 * @param {Tab} tab
 * @param {string} text
 * @param {boolean} negative
 */
function put(tab, text, negative) {
  const field = fieldOf(tab, negative);
  if (!field || !text || patternOf(text).test(field.value)) return;
  const begun = field.value.trimEnd();
  const gap = !begun ? "" : begun.endsWith(",") || text.startsWith("<") ? " " : ", ";
  type(field, begun + gap + text);
}

/**
 * @param {Tab} tab
 * @param {string} text
 * @param {boolean} negative
 */
function take(tab, text, negative) {
  const field = fieldOf(tab, negative);
  if (field && text) type(field, field.value.replace(patternOf(text), "").replace(/^[\s,]+/, ""));
}

/**
 * Whether a card stands in the tab's prompts.
 * @param {Tab} tab
 * @param {Card} card
 */
export function isUsed(tab, { insert, insert_negative: negative }) {
  if (!insert) return isInPrompt(tab, negative, true);
  return isInPrompt(tab, insert) || isInPrompt(tab, insert, true);
}

/**
 * The tabs whose prompts a card stands in.
 * @param {Card} card
 * @returns {Tab[]}
 */
export function tabsUsing(card) {
  return ["txt2img", "img2img"].filter((tab) => isUsed(tab, card));
}

/**
 * Takes a card out of the prompts of all tabs.
 * @param {Card} card
 */
export function takeOut(card) {
  for (const tab of tabsUsing(card)) toggle(tab, card);
}

/**
 * Writes a card into the tab's prompts, or takes it out; says whether it stands there now.
 * @param {Tab} tab
 * @param {Card} card
 */
export function toggle(tab, card) {
  const { insert, insert_negative: negative, kind } = card;
  const there = isUsed(tab, card);
  if (there) {
    for (const field of [false, true]) take(tab, insert, field);
    take(tab, negative, true);
  } else {
    put(tab, insert, kind === "embedding" && !negative && (inNegative.get(tab) ?? false));
    put(tab, negative, true);
  }
  return !there;
}

/**
 * Writes words into the tab's prompt, or takes them out; says whether they stand there now.
 * @param {Tab} tab
 * @param {string} words
 */
export function toggleWords(tab, words) {
  const there = isInPrompt(tab, words);
  (there ? take : put)(tab, words, false);
  return !there;
}

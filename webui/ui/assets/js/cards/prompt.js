// Cards and the prompts: a click writes a card's text into the prompt, the next takes it out again.
import { find, type } from "../dom.js";

function escaped(text) {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

/** What finds a card's text whatever weight stands in it. */
function pattern(text) {
  const tag = /^<(\w+):([^:>]+)(:[^>]*)?>$/.exec(text.split(" ")[0]);
  if (!tag) return new RegExp(`(?:^|,\\s*|\\s)${escaped(text)}(?=$|[\\s,:)\\]])`);
  const rest = text.slice(text.indexOf(">") + 1);
  const words = rest ? `(?:${escaped(rest)})?` : "";
  return new RegExp(`\\s*<${tag[1]}:${escaped(tag[2])}(?::[^>]*)?>${words}`, "i");
}

function fieldOf(tab, negative) {
  return find(`#${tab}_${negative ? "neg_prompt" : "prompt"} textarea`);
}

/** Whether a card's text stands in the tab's prompt. */
export function stands(tab, text, negative = false) {
  return Boolean(text) && pattern(text).test(fieldOf(tab, negative)?.value ?? "");
}

function put(tab, text, negative) {
  const field = fieldOf(tab, negative);
  if (!text || pattern(text).test(field.value)) return;
  const begun = field.value.trimEnd();
  const gap = !begun ? "" : begun.endsWith(",") || text.startsWith("<") ? " " : ", ";
  type(field, begun + gap + text);
}

function take(tab, text, negative) {
  const field = fieldOf(tab, negative);
  if (text) type(field, field.value.replace(pattern(text), "").replace(/^[\s,]+/, ""));
}

/** Writes a card into the tab's prompts, or takes it out; says whether it stands there now. */
export function toggle(tab, card) {
  const there = stands(tab, card.insert) || (!card.insert && stands(tab, card.insert_negative, true));
  const change = there ? take : put;
  change(tab, card.insert, false);
  change(tab, card.insert_negative, true);
  return !there;
}

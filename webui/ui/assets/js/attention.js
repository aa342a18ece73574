// Ctrl/Cmd+Up and Down change the weight of the selected words, of the brackets around the cursor, or of the word at it.
import { PROMPTS, publish, settings, type } from "./dom.js";

const DELIMITERS = ".,\\/!?%^*;:{}=`~() \r\n\t";
const NETWORK_STEP = 0.05;
const NETWORK = /^\s*\w+:/;
const WEIGHT = /:\s*([-+]?(?:\d+\.?\d*|\.\d+))\s*$/;

/**
 * The part of a prompt that a key changes, from `from` to before `to`: words with their brackets and weight, if any.
 * @typedef {{from: number, to: number, words: string, weight: number, isNetwork: boolean}} Target
 */

/**
 * Whether a backslash makes a bracket a plain sign.
 * @type {(text: string, at: number) => boolean}
 */
function isEscaped(text, at) {
  let first = at;
  while (text[first - 1] === "\\") first--;
  return (at - first) % 2 === 1;
}

/**
 * The pair of brackets around the cursor that encloses it most closely: the index of each, or null.
 * @param {string} text
 * @param {number} cursor
 * @param {string} brackets the opening and the closing one
 * @returns {[number, number] | null}
 */
function findPair(text, cursor, [open, close]) {
  const search = (/** @type {number} */ at, /** @type {number} */ step, /** @type {string} */ wanted) => {
    for (let depth = 0; at >= 0 && at < text.length; at += step) {
      if ((text[at] !== open && text[at] !== close) || isEscaped(text, at)) continue;
      if (text[at] !== wanted) depth++;
      else if (depth-- === 0) return at;
    }
    return -1;
  };
  const [first, last] = [search(cursor - 1, -1, open), search(cursor, 1, close)];
  return first >= 0 && last >= 0 ? [first, last] : null;
}

/**
 * What a pair of brackets encloses, if there is a weight at its end.
 * @param {string} text
 * @param {[number, number] | null} pair
 * @returns {Target | null}
 */
function readGroup(text, pair) {
  if (!pair) return null;
  const [open, close] = pair;
  const inside = text.slice(open + 1, close);
  const weight = WEIGHT.exec(inside);
  if (!weight) return null;
  const words = inside.slice(0, weight.index);
  return { from: open, to: close + 1, words, weight: Number(weight[1]), isNetwork: text[open] === "<" };
}

/**
 * Words without brackets of their own; null where there are none.
 * @param {string} text
 * @param {number} start
 * @param {number} end
 * @returns {Target | null}
 */
function readWords(text, start, end) {
  const words = text.slice(start, end).trimEnd();
  return words ? { from: start, to: start + words.length, words, weight: 1, isNetwork: false } : null;
}

/**
 * The word at the cursor; null where there is none.
 * @param {string} text
 * @param {number} cursor
 */
function readWord(text, cursor) {
  let [start, end] = [cursor, cursor];
  while (start > 0 && !DELIMITERS.includes(text[start - 1])) start--;
  while (end < text.length && !DELIMITERS.includes(text[end])) end++;
  return readWords(text, start, end);
}

/**
 * What a selection, or the cursor alone, means. A bracket without a weight counts as the words in it.
 * @param {string} text
 * @param {number} start
 * @param {number} end
 * @returns {Target | null}
 */
function findTarget(text, start, end) {
  const network = findPair(text, start, "<>");
  if (network && end <= network[1] && NETWORK.test(text.slice(network[0] + 1, network[1]))) return readGroup(text, network);
  if (start === end) return readGroup(text, findPair(text, start, "()")) ?? readWord(text, start);
  const selected = readWords(text, start, end);
  if (!selected) return null;
  // The words of a group, or all of it with its brackets, stand for the group.
  for (const cursor of [start, start + 1]) {
    const group = readGroup(text, findPair(text, cursor, "()"));
    if (!group) continue;
    const hasItsWords = group.from + 1 === selected.from && group.words.trimEnd() === selected.words;
    if (hasItsWords || (group.from === selected.from && group.to === selected.to)) return group;
  }
  return selected;
}

/**
 * A weight as it is written: 1.1, 2.0. What adding up tenths leaves behind the twelfth digit is cut off.
 * @param {number} weight
 */
function formatWeight(weight) {
  return Number.isInteger(weight) ? weight.toFixed(1) : String(weight);
}

/**
 * The prompt after one press, with the words selected. A weight of exactly 1 takes its round brackets away.
 * @param {string} text
 * @param {number} start of the selection
 * @param {number} end of the selection, the same as `start` for the cursor alone
 * @param {1 | -1} direction up or down
 * @param {number} step how much a press adds in round brackets
 * @returns {{text: string, start: number, end: number} | null} null where there is nothing to weigh
 */
export function reweigh(text, start, end, direction, step) {
  const target = findTarget(text, start, end);
  if (!target) return null;
  const { from, to, words, isNetwork } = target;
  const weight = Number((target.weight + direction * (isNetwork ? NETWORK_STEP : step)).toPrecision(12));
  let [before, after] = isNetwork ? ["<", `:${formatWeight(weight)}>`] : ["(", `:${formatWeight(weight)})`];
  if (weight === 1 && !isNetwork) before = after = "";
  const begin = from + before.length;
  return {
    text: text.slice(0, from) + before + words + after + text.slice(to),
    start: begin,
    end: begin + words.length,
  };
}

publish({ reweigh });
document.addEventListener("keydown", (event) => {
  const direction = event.key === "ArrowUp" ? 1 : event.key === "ArrowDown" ? -1 : null;
  const box = event.target;
  if (!direction || !(event.ctrlKey || event.metaKey)) return;
  if (!(box instanceof HTMLTextAreaElement) || !box.matches(PROMPTS)) return;
  event.preventDefault();
  const step = settings().keyedit_precision_attention ?? 0.1;
  const result = reweigh(box.value, box.selectionStart, box.selectionEnd, direction, step);
  if (!result) return;
  type(box, result.text);
  box.setSelectionRange(result.start, result.end);
});

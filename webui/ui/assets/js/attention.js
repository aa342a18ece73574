// Ctrl/Cmd+Up and Down change the weight of the selected words, of the brackets around the cursor, or of the word at it.
import { PROMPTS, settings, type } from "./dom.js";

const DELIMITERS = ".,\\/!?%^*;:{}=`~() \r\n\t";
const NETWORK_STEP = 0.05;

/** The pair of brackets around `at` that encloses it most closely: [index of the first, index of the last], or null. */
function enclosing(text, at, open, close) {
  let depth = 0;
  let first = at - 1;
  for (; first >= 0; first--) {
    if (text[first] === close) depth++;
    else if (text[first] === open && depth-- === 0) break;
  }
  depth = 0;
  let last = at;
  for (; last < text.length; last++) {
    if (text[last] === open) depth++;
    else if (text[last] === close && depth-- === 0) break;
  }
  return first >= 0 && last < text.length ? [first, last] : null;
}

/** What to weigh where nothing is selected. A bracket without a weight counts as the word at the cursor. */
function around(text, at) {
  for (const [open, close] of ["<>", "()"]) {
    const pair = enclosing(text, at, open, close);
    const colon = pair ? text.lastIndexOf(":", pair[1]) : -1;
    if (pair && colon > pair[0]) return [pair[0] + 1, colon];
  }
  let [start, end] = [at, at];
  while (start > 0 && !DELIMITERS.includes(text[start - 1])) start--;
  while (end < text.length && !DELIMITERS.includes(text[end])) end++;
  return [start, end];
}

/** A weight as it is written: 1.1, 2.0. */
function written(weight) {
  const rounded = String(parseFloat(weight.toPrecision(12)));
  return rounded.length === 1 ? `${rounded}.0` : rounded;
}

/**
 * The prompt after one press. A weight of exactly 1 takes its round brackets away.
 * @returns {{text: string, start: number, end: number} | null} null where there is nothing to weigh
 */
export function reweigh(text, start, end, direction, step) {
  if (start === end) [start, end] = around(text, start);
  const inNetwork = text[start - 1] === "<";
  if (!inNetwork && text[start - 1] !== "(") {
    while (end > start && text[end - 1] === " ") end--;
    if (start === end) return null;
    text = `${text.slice(0, start)}(${text.slice(start, end)}:1.0)${text.slice(end)}`;
    start++;
    end++;
  }
  const close = text.indexOf(inNetwork ? ">" : ")", end + 1);
  const weight = parseFloat(text.slice(end + 1, close));
  if (close < 0 || Number.isNaN(weight)) return null;
  const changed = parseFloat((weight + direction * (inNetwork ? NETWORK_STEP : step)).toPrecision(12));
  if (!inNetwork && changed === 1) {
    const bare = text.slice(0, start - 1) + text.slice(start, end) + text.slice(close + 1);
    return { text: bare, start: start - 1, end: end - 1 };
  }
  return { text: text.slice(0, end + 1) + written(changed) + text.slice(close), start, end };
}

document.addEventListener("keydown", (event) => {
  const direction = { ArrowUp: 1, ArrowDown: -1 }[event.key];
  const box = event.target;
  if (!direction || !(event.ctrlKey || event.metaKey) || !box.matches?.(PROMPTS)) return;
  event.preventDefault();
  const step = settings().keyedit_precision_attention ?? 0.1;
  const result = reweigh(box.value, box.selectionStart, box.selectionEnd, direction, step);
  if (!result) return;
  type(box, result.text);
  box.setSelectionRange(result.start, result.end);
});

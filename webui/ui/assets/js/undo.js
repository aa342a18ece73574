// Ctrl/Cmd+Z and Ctrl+Y (or with Shift) in the prompts: through what is typed, and through what buttons, cards, keys and
// the server write. The browser knows only what is typed, so the prompts have a history of their own.
import { PROMPTS, closest, find, findAll, isShown, type } from "./dom.js";
import { TextHistory } from "./typed/history.js";

/** @typedef {import("./typed/history.js").Shown} Shown */

// By the id of the box: Gradio may make its element anew.
const histories = /** @type {Map<string, TextHistory>} */ (new Map());
const TYPING = "input, textarea, select, [contenteditable='true'], .canvas";
// Kinds of typing that browsers take for one run, and so does the artist.
const RUNS = new Map([
  ["insertText", "insert"],
  ["deleteContentBackward", "erase"],
  ["deleteContentForward", "erase forward"],
]);
// Grows with each press of a key, click or drop: what scripts write at one of them is one step.
let action = 1;
let isTouched = false;
let isMoving = false;

/** @param {EventTarget | null} target */
function asPrompt(target) {
  return target instanceof HTMLTextAreaElement && target.matches(PROMPTS) ? target : null;
}

/**
 * Whether a word of Chinese, say, is being put together; it is one change, once it is done.
 * @param {Event} event
 */
function isComposing(event) {
  return (event instanceof InputEvent || event instanceof KeyboardEvent) && event.isComposing;
}

/** @param {HTMLTextAreaElement} box */
function historyOf(box) {
  const id = box.closest("[id]")?.id ?? "";
  let history = histories.get(id);
  if (!history) {
    history = new TextHistory(read(box));
    histories.set(id, history);
  }
  return history;
}

/**
 * @param {HTMLTextAreaElement} box
 * @returns {Shown}
 */
function read({ value, selectionStart, selectionEnd }) {
  return { text: value, start: selectionStart, end: selectionEnd };
}

/** Takes note of what a script or the server wrote since the last press. Before the first, that is where all begins. */
function notice() {
  action += 1;
  for (const box of findAll(PROMPTS)) {
    const history = historyOf(box);
    if (isTouched) history.write(read(box), action);
    else history.begin(read(box));
  }
}

/** A press begins: what changes from now on is told apart from what changed before. */
function beginAction(/** @type {Event} */ event) {
  if (isMoving || !event.isTrusted || isComposing(event)) return;
  notice();
  isTouched = true;
  action += 1;
}

/**
 * Undoes or redoes one step of a box; says whether there was one.
 * @param {HTMLTextAreaElement} box
 * @param {"undo" | "redo"} way
 */
function move(box, way) {
  const shown = historyOf(box)[way]();
  if (!shown) return false;
  isMoving = true;
  type(box, shown.text);
  isMoving = false;
  box.setSelectionRange(shown.start, shown.end);
  return true;
}

/**
 * What a press did last to the prompts that are shown, in all of them: after a click on a button the focus is there.
 * @param {"undo" | "redo"} way
 */
function moveAll(way) {
  const boxes = findAll(PROMPTS).filter((box) => isShown(box));
  const number = (/** @type {HTMLTextAreaElement} */ box) => historyOf(box)[way === "undo" ? "lastAction" : "nextAction"];
  const numbers = boxes.map(number).filter(Boolean);
  if (!numbers.length) return false;
  const wanted = way === "undo" ? Math.max(...numbers) : Math.min(...numbers);
  for (const box of boxes.filter((candidate) => number(candidate) === wanted)) move(box, way);
  return true;
}

/** @param {KeyboardEvent} event */
function wayOf({ key, ctrlKey, metaKey, altKey, shiftKey }) {
  if (!(ctrlKey || metaKey) || altKey) return null;
  const letter = key.toLowerCase();
  if (letter === "z") return shiftKey ? "redo" : "undo";
  return letter === "y" && !shiftKey ? "redo" : null;
}

for (const kind of ["pointerdown", "keydown", "beforeinput", "drop", "paste", "click"]) {
  addEventListener(kind, beginAction, true);
}

document.addEventListener("keydown", (event) => {
  const way = wayOf(event);
  if (!way || event.defaultPrevented || isComposing(event) || find("dialog[open]")) return;
  const box = asPrompt(event.target);
  if (!box && closest(event, TYPING)) return;
  // Also where nothing is left: the browser's own history knows of half the steps.
  if (box) move(box, way);
  else if (!moveAll(way)) return;
  event.preventDefault();
});

// The menus of browsers.
document.addEventListener("beforeinput", (event) => {
  const box = asPrompt(event.target);
  if (!box || isMoving || isComposing(event)) return;
  // A script that writes as if it typed; what was there before the first press stays the beginning.
  if (!isTouched) notice();
  isTouched = true;
  const way = { historyUndo: /** @type {const} */ ("undo"), historyRedo: /** @type {const} */ ("redo") }[event.inputType];
  if (!way) return historyOf(box).select(box.selectionStart, box.selectionEnd);
  event.preventDefault();
  move(box, way);
}, true);

document.addEventListener("input", (event) => {
  const box = asPrompt(event.target);
  if (!box || isMoving || isComposing(event)) return;
  const kind = event instanceof InputEvent ? RUNS.get(event.inputType) : "";
  historyOf(box).write(read(box), action, kind);
}, true);

document.addEventListener("compositionend", (event) => {
  const box = asPrompt(event.target);
  if (box) historyOf(box).write(read(box), action, "insert");
}, true);

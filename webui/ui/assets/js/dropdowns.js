// Gradio's dropdowns by keyboard, those of extensions too. Gradio acts on a key a moment after it was pressed: by then
// Tab has moved on, and the list that it opens stays. Keys that write nothing make it filter by the chosen value.
import { closest, type } from "./dom.js";

const FIELD = ".wrap-inner input[role=combobox]";
// Of the keys with a name, those that Gradio needs: they change the text or move in the list. The last three are typing
// with an input method.
const NEEDED = ["Backspace", "Delete", "Enter", "Escape", "ArrowUp", "ArrowDown", "Process", "Unidentified", "Dead"];
const WRITE_NOTHING = ["a", "c"];

/** What stood in the field when it got the focus. @type {WeakMap<HTMLInputElement, string>} */
const began = new WeakMap();
/** The field that gets the focus back without opening its list. @type {HTMLInputElement | null} */
let quiet = null;
/** The field whose entry is being chosen by keyboard. @type {HTMLInputElement | null} */
let choosing = null;
/** The field that this press of the pointer brought the focus to. @type {HTMLInputElement | null} */
let pressed = null;

/** @param {Event} event */
function fieldOf(event) {
  const field = closest(event, FIELD);
  return field instanceof HTMLInputElement && !field.disabled ? field : null;
}

/** @param {Element} field */
function isOpen(field) {
  return field.getAttribute("aria-expanded") === "true";
}

/** @param {KeyboardEvent} event */
function isNeeded({ key, ctrlKey, metaKey, altKey }) {
  if (key.length > 1) return NEEDED.includes(key);
  return altKey || !(ctrlKey || metaKey) || !WRITE_NOTHING.includes(key.toLowerCase());
}

/**
 * Shows all entries, beginning at the chosen one: as when the field gets the focus.
 * @param {HTMLInputElement} field
 */
function open(field) {
  field.blur();
  field.focus();
  field.select();
}

/**
 * Gives a field the focus and leaves its list closed.
 * @param {HTMLInputElement} field
 */
function focusQuietly(field) {
  quiet = field;
  field.focus();
  quiet = null;
  field.select();
}

/**
 * @param {KeyboardEvent} event
 * @param {HTMLInputElement} field
 */
function pressKey(event, field) {
  choosing = event.key === "Enter" && isOpen(field) ? field : null;
  if (event.key === "Tab") {
    // The browser takes a list that can be scrolled for a stop of its own.
    const list = document.getElementById(field.getAttribute("aria-controls") ?? "");
    if (list) list.tabIndex = -1;
  }
  if (event.key === "Escape" && isOpen(field) && began.has(field)) type(field, began.get(field) ?? "");
  if (!isNeeded(event)) event.stopPropagation();
  else if (["ArrowUp", "ArrowDown"].includes(event.key) && !isOpen(field)) {
    event.preventDefault();
    event.stopPropagation();
    open(field);
  }
}

/**
 * The crosses of a list of several are no buttons of the browser: Space does not press them, and the focus is lost with
 * them.
 * @param {KeyboardEvent} event
 * @param {HTMLElement} cross
 */
function pressCross(event, cross) {
  if (!["Enter", " "].includes(event.key)) return;
  event.preventDefault();
  event.stopPropagation();
  const field = cross.closest(".wrap-inner")?.querySelector("input");
  cross.click();
  if (field) focusQuietly(field);
}

document.addEventListener(
  "keydown",
  (event) => {
    const field = fieldOf(event);
    const cross = closest(event, ".wrap-inner .token-remove");
    if (field) pressKey(event, field);
    else if (cross) pressCross(event, cross);
  },
  true,
);

document.addEventListener(
  "focus",
  (event) => {
    const field = fieldOf(event);
    if (!field) return;
    began.set(field, field.value);
    if (field === quiet) event.stopImmediatePropagation();
  },
  true,
);

// Gradio gives the focus away with the choice; the next Tab should start from here, and be seen to.
document.addEventListener("focusout", (event) => {
  const field = fieldOf(event);
  if (!field || field !== choosing || event.relatedTarget) return;
  choosing = null;
  setTimeout(() => document.activeElement === document.body && focusQuietly(field));
});

document.addEventListener("pointerdown", (event) => {
  const field = fieldOf(event);
  pressed = field && field !== document.activeElement ? field : null;
});

document.addEventListener("click", (event) => {
  const field = fieldOf(event);
  if (!field || field.readOnly) return;
  if (field !== pressed && isOpen(field)) return;
  if (field !== pressed) open(field);
  // What is typed next replaces the chosen value instead of growing behind it. The browser places its mark after this.
  setTimeout(() => field === document.activeElement && field.select());
});

// A key that Gradio acted on too late: the list of a field without the focus closes again.
new MutationObserver((changes) => {
  for (const { target } of changes) {
    if (!(target instanceof Element) || !target.matches(FIELD)) continue;
    if (isOpen(target) && target !== document.activeElement) target.dispatchEvent(new FocusEvent("blur"));
  }
}).observe(document.documentElement, { subtree: true, attributeFilter: ["aria-expanded"] });

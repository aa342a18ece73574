// Keeps the values of a form in this browser, so that a reload does not lose them.
import { find, publish } from "./dom.js";

/** @typedef {Record<string, unknown>} Values by the names of fields */
/** @type {[selector: string, read: (input: HTMLInputElement) => unknown][]} */
const VALUE_OF = [
  ["textarea, input[data-testid='textbox']", ({ value }) => value],
  ["input[type='number']", ({ valueAsNumber }) => valueAsNumber],
  ["input[type='checkbox']", ({ checked }) => checked],
];
// Changes within this time are told of together.
const TOGETHER_MS = 30;
let isTouched = false;
// Forms with changes that are not told of yet.
const waiting = /** @type {Set<string>} */ (new Set());
// By form, the values that this page kept last, by field.
const kept = /** @type {Map<string, Values>} */ (new Map());

/**
 * Keeps all values of a form, once it shows what was kept before.
 * @param {string} key
 * @param {unknown[]} values
 * @returns {never[]}
 */
function remember(key, values) {
  keep(key, Object.fromEntries(window.webui.forms[key].map(([name], index) => [name, values[index]])));
  tell(key);
  return [];
}

/**
 * Keeps the new value of a field. What changes before the form shows what was kept is among all its values then.
 * @param {string} key
 * @param {string} name
 * @param {unknown} value
 * @returns {never[]}
 */
function noteChange(key, name, value) {
  const known = kept.get(key);
  if (!known) return [];
  keep(key, { ...known, [name]: value });
  if (waiting.has(key)) return [];
  waiting.add(key);
  setTimeout(() => {
    waiting.delete(key);
    tell(key);
  }, TOGETHER_MS);
  return [];
}

/**
 * Tells the page's other scripts of a form's values.
 * @param {string} key
 */
function tell(key) {
  dispatchEvent(new CustomEvent("form-change", { detail: { key, values: kept.get(key) } }));
}

/**
 * @param {string} key
 * @param {Values} values
 */
function keep(key, values) {
  kept.set(key, values);
  try {
    localStorage.setItem(key, JSON.stringify(values));
  } catch {
    // A full or forbidden storage must not disturb the work.
  }
}

for (const kind of ["input", "change"]) addEventListener(kind, () => (isTouched = true), true);

// Gradio tells of no change while it cannot reach the server, and then loads the page anew.
addEventListener("pagehide", () => {
  if (!isTouched) return;
  for (const [key, fields] of Object.entries(window.webui.forms ?? {})) {
    const before = kept.get(key) ?? ofBefore(key);
    const now = Object.fromEntries(fields.map(([name, id]) => [name, readShown(id, before[name])]));
    if (fields.some(([name]) => now[name] !== before[name])) keep(key, now);
  }
});

/**
 * What an earlier page kept: this one has not shown it yet.
 * @param {string} key
 * @returns {Values}
 */
function ofBefore(key) {
  try {
    return JSON.parse(localStorage.getItem(key) ?? "{}");
  } catch {
    return {};
  }
}

/**
 * What an element shows, where that is a value like the one before and all there is to it; else the one before.
 * @param {string | null} id
 * @param {unknown} before
 */
function readShown(id, before) {
  const element = id ? find(`#${CSS.escape(id)}`) : null;
  for (const [selector, valueOf] of VALUE_OF) {
    const inputs = /** @type {ArrayLike<HTMLInputElement>} */ (element?.querySelectorAll(selector) ?? []);
    const value = inputs.length === 1 ? valueOf(inputs[0]) : undefined;
    if (value !== undefined && !Number.isNaN(value) && [typeof value, "undefined"].includes(typeof before)) return value;
  }
  return before;
}

publish({ noteChange, remember });

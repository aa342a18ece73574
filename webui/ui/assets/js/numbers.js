// Number fields, those of extensions too: a wrong number returns to the last one, and what is cut or rounded is said
// beside the field. Gradio hears of a number only once it is one that the field may keep: by itself it would turn an
// empty field into the smallest number, and cut what is too large without a word.
import { make } from "./controls.js";
import { closest, find } from "./dom.js";
import { judgeNumber, judgeSeed, warnOfNumber, warnOfSeed } from "./typed/numbers.js";

/** @typedef {import("./typed/numbers.js").Judged} Judged */
/** @typedef {import("./typed/numbers.js").NumberRules} NumberRules */

const NUMBERS = ".gradio-container .block input[type='number']";
const SEEDS = ".seed-field input";
const SHOWN_MS = 8000;
// By field, what it held when it was last left or entered.
const kept = /** @type {WeakMap<HTMLInputElement, string>} */ (new WeakMap());
const typed = /** @type {Set<HTMLInputElement>} */ (new Set());
let isWriting = false;
let timer = 0;

const note = make("div", { id: "field_note", className: "field-note", hidden: true, attributes: { role: "status" } });
document.body.append(note);

/** @param {EventTarget | null} target */
function asField(target) {
  return target instanceof HTMLInputElement && target.matches(`${NUMBERS}, ${SEEDS}`) ? target : null;
}

/** @param {HTMLInputElement} field */
const isSeed = (field) => field.matches(SEEDS);

/**
 * What Gradio was told of the field's component when the page was made.
 * @param {HTMLInputElement} field
 */
function propsOf(field) {
  const id = field.closest(".block[id]")?.id;
  const components = window.gradio_config?.components ?? [];
  return components.find((component) => (component.props.elem_id ?? `component-${component.id}`) === id)?.props;
}

/**
 * @param {HTMLInputElement} field
 * @returns {NumberRules}
 */
function rulesOf(field) {
  const isSlider = Boolean(find("input[type='range']", field.closest(".block[id]") ?? document));
  const props = propsOf(field);
  const [min, max] = [field.min, field.max].map((text) => (text === "" ? Number.NaN : Number(text)));
  return {
    min: Number.isNaN(min) ? -Infinity : min,
    max: Number.isNaN(max) ? Infinity : max,
    multiple: isSlider ? multipleOf(field) : props?.precision === 0 ? 1 : null,
    mayBeEmpty: !isSlider && (props?.value ?? null) === null && !field.validity.badInput,
  };
}

/**
 * Sliders in whole steps hold whole numbers, and sides of latents whole eights. Other steps are for the hand only.
 * @param {HTMLInputElement} field
 */
function multipleOf(field) {
  const step = Number(field.step);
  if (!Number.isInteger(step) || step < 1) return null;
  // Extras makes pictures of any size.
  return step % 8 === 0 && !field.closest("#tab_extras") ? step : 1;
}

/**
 * @param {HTMLInputElement} field
 * @returns {Judged}
 */
function judge(field) {
  const last = kept.get(field) ?? String(propsOf(field)?.value ?? field.min);
  return isSeed(field) ? judgeSeed(field.value, last) : judgeNumber(field.value, rulesOf(field), last);
}

/**
 * Says something below a field, until it is said better or has been read.
 * @param {HTMLInputElement} field
 * @param {string} words
 */
function say(field, words) {
  note.textContent = words;
  note.hidden = false;
  const { left, bottom } = field.getBoundingClientRect();
  const width = document.documentElement.clientWidth;
  note.style.left = `${Math.max(4, Math.min(left, width - note.offsetWidth - 8)) + scrollX}px`;
  note.style.top = `${bottom + scrollY + 4}px`;
  note.dataset.field = field.closest("[id]")?.id ?? "";
  clearTimeout(timer);
  timer = setTimeout(hush, SHOWN_MS);
}

function hush() {
  note.hidden = true;
}

/**
 * @param {HTMLInputElement} field
 * @param {string} warning empty where nothing is wrong
 */
function mark(field, warning) {
  if (warning) field.setAttribute("aria-invalid", "true");
  else field.removeAttribute("aria-invalid");
  if (warning) say(field, warning);
  else if (note.dataset.field === field.closest("[id]")?.id) hush();
}

/**
 * Makes the field hold a number that it may keep, and Gradio know it.
 * @param {HTMLInputElement} field
 */
function settle(field) {
  if (!typed.delete(field)) return;
  const { value, words } = judge(field);
  kept.set(field, value);
  // Otherwise Gradio has heard of it when it was typed.
  if (value !== field.value || words) {
    isWriting = true;
    field.value = value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    isWriting = false;
  }
  mark(field, "");
  if (words) say(field, words);
}

function settleAll() {
  for (const field of typed) settle(field);
}

document.addEventListener("focus", (event) => {
  const field = asField(event.target);
  if (field && !typed.has(field)) kept.set(field, field.value);
}, true);

document.addEventListener("input", (event) => {
  const field = asField(event.target);
  if (!field || isWriting) return;
  typed.add(field);
  const { value, words } = judge(field);
  mark(field, isSeed(field) ? warnOfSeed(field.value) : warnOfNumber(field.value, rulesOf(field)));
  if (words || value !== field.value) event.stopImmediatePropagation();
  // What is pasted is put right at once where it is clear what is meant.
  if (!words && event instanceof InputEvent && event.inputType === "insertFromPaste") settle(field);
}, true);

for (const kind of ["change", "blur"]) {
  document.addEventListener(kind, (event) => {
    const field = asField(event.target);
    if (field) settle(field);
  }, true);
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Enter") settleAll();
}, true);
// Generate may be pressed by a script, too, while a field is typed in.
document.addEventListener("click", (event) => {
  if (closest(event, "button")) settleAll();
}, true);
addEventListener("pagehide", settleAll, true);

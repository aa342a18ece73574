// One of all settings: empty it is the preset's, whose value stands there in grey with the reason below.
import { iconButton, make } from "../controls.js";
import { fieldId, isPreset } from "./asked.js";
import { valueText } from "./words.js";

/** @typedef {import("../parts/schema.js").Field} Field */

const UNREADABLE = "This is not a list of numbers. Write them with commas between, as 1, 2, 1.";

export class Setting {
  /** @type {unknown} */
  #preset = null;

  /**
   * @param {Field} field
   * @param {(value: unknown) => void} onChange null: the preset's
   */
  constructor(field, onChange) {
    this.field = field;
    this.onChange = onChange;
    this.input = makeInput(field);
    this.input.id = fieldId(field.name);
    this.input.setAttribute("aria-describedby", `${this.input.id}_about`);
    this.input.onchange = () => this.#take();
    this.about = make("p", { className: "hint", id: `${this.input.id}_about` });
    this.reset = iconButton("reset", `Back to the preset's ${field.label.toLowerCase()}`, () => {
      this.onChange(null);
      this.input.focus();
    });
    const label = make("label", { htmlFor: this.input.id, textContent: field.label });
    this.element = make("div", { className: `train-setting train-${field.kind}`, attributes: { "data-field": field.name } },
      label, make("div", { className: "train-setting-line" }, this.input, this.reset), this.about);
  }

  #take() {
    const { value, wrong } = readInput(this.field, this.input);
    this.input.setAttribute("aria-invalid", String(Boolean(wrong)));
    if (wrong) this.about.textContent = wrong;
    else this.onChange(value);
  }

  /**
   * @param {unknown} value null: the preset's
   * @param {unknown} preset
   * @param {string} why
   */
  show(value, preset, why) {
    this.#preset = preset;
    const isOwn = !isPreset(value);
    this.element.classList.toggle("changed", isOwn);
    this.reset.hidden = !isOwn;
    this.input.removeAttribute("aria-invalid");
    showInput(this.field, this.input, value, preset);
    const known = this.#preset === undefined ? "" : `Preset: ${valueText(this.#preset)}${why ? `, ${why}` : ""}`;
    const about = [this.field.about, isOwn ? known : why].filter(Boolean).map(sentence);
    this.about.textContent = about.join(" ");
  }
}

/** @param {string} words */
function sentence(words) {
  const begun = words.charAt(0).toUpperCase() + words.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}

/**
 * @param {Field} field
 * @returns {HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement}
 */
function makeInput({ name, kind, min, max, schema, item }) {
  if (kind === "choice" || kind === "tick") return make("select");
  if (kind === "slider" || kind === "number") {
    return make("input", { type: "number", min: min ?? "", max: max ?? "", step: schema.type === "integer" ? 1 : "any" });
  }
  // Prompts have commas of their own.
  if (kind === "lines" && item?.type === "string") return make("textarea", { rows: 3 });
  return make("input", { type: "text", autocomplete: "off", attributes: { "data-field": name } });
}

/** What a list offers beside the preset's. @param {Field} field @returns {[value: unknown, words: string][]} */
function choicesOf({ kind, choices = [] }) {
  return kind === "tick" ? [[true, "On"], [false, "Off"]] : choices.map((each) => [each, valueText(each)]);
}

/**
 * @param {Field} field
 * @param {HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement} input
 * @returns {{value: unknown, wrong?: string}}
 */
export function readInput(field, input) {
  const text = input.value.trim();
  if (text === "") {
    const isBad = input instanceof HTMLInputElement && input.validity.badInput;
    return isBad ? { value: null, wrong: `${field.label} is a number.` } : { value: null };
  }
  if (input instanceof HTMLSelectElement) return { value: choicesOf(field)[Number(text)][0] };
  if (field.kind === "slider" || field.kind === "number") return readNumber(field, text);
  if (field.kind !== "lines") return { value: input.value };
  if (field.item?.type === "string") return { value: input.value.split("\n").map((line) => line.trim()).filter(Boolean) };
  const numbers = text.split(/[\s,]+/).filter(Boolean).map(Number);
  return numbers.some(Number.isNaN) ? { value: null, wrong: UNREADABLE } : { value: numbers };
}

/** @param {Field} field @param {string} text @returns {{value: unknown, wrong?: string}} */
function readNumber({ label, min, max, schema }, text) {
  const value = Number(text);
  const isWithin = value >= (min ?? -Infinity) && value <= (max ?? Infinity);
  const fits = isWithin && (schema.type !== "integer" || Number.isInteger(value));
  if (fits) return { value };
  const kind = schema.type === "integer" ? "a whole number" : "a number";
  const range = min !== undefined && max !== undefined ? ` from ${min} to ${max}` : min !== undefined ? ` from ${min} on` : "";
  return { value: null, wrong: `${label} is ${kind}${range}.` };
}

/**
 * @param {Field} field
 * @param {HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement} input
 * @param {unknown} value
 * @param {unknown} preset
 */
function showInput(field, input, value, preset) {
  if (input instanceof HTMLSelectElement) {
    const choices = choicesOf(field);
    const first = isPreset(preset) ? "Preset" : `Preset: ${valueText(preset)}`;
    input.replaceChildren(make("option", { value: "", textContent: first }),
      ...choices.map(([, words], index) => make("option", { value: index, textContent: words })));
    const at = choices.findIndex(([each]) => each === value);
    input.value = at < 0 ? "" : String(at);
    return;
  }
  const join = (/** @type {unknown} */ list) => (Array.isArray(list) ? list.join(field.item?.type === "string" ? "\n" : ", ") : String(list));
  if (document.activeElement !== input || isPreset(value)) input.value = isPreset(value) ? "" : join(value);
  input.placeholder = isPreset(preset) ? "" : typeof preset === "number" ? valueText(preset) : join(preset);
}

// What the settings' fields show, beside what holds and what is the default.
import { find, settings } from "../dom.js";

/** @typedef {string | number | boolean | string[]} Value of an option, as a field shows it */

/** @param {Element} row */
export const keyOf = ({ id }) => id.replace(/^setting_/, "");

/** The rows of all options. */
export function rows() {
  return /** @type {HTMLElement[]} */ ([...document.querySelectorAll("#settings [id^='setting_']")]);
}

/**
 * The values of a program that was just installed, by option key.
 * @returns {Record<string, any>}
 */
export function defaults() {
  return JSON.parse(find("#settings_sections nav")?.dataset.defaults ?? "{}");
}

/**
 * What a row's field shows.
 * @param {HTMLElement} row
 * @returns {Value}
 */
export function shownIn(row) {
  const number = /** @type {HTMLInputElement | null} */ (row.querySelector("input[type='number']"));
  if (number) return number.value === "" ? "" : Number(number.value);
  const box = /** @type {HTMLInputElement | null} */ (row.querySelector("input[type='checkbox']"));
  if (box) return box.checked;
  if (row.querySelector(".token") || row.querySelector(".wrap-inner:has(.remove-all)")) {
    return [...row.querySelectorAll(".token > span")].map(({ textContent }) => textContent ?? "");
  }
  return /** @type {HTMLInputElement | HTMLTextAreaElement | null} */ (row.querySelector("input, textarea"))?.value ?? "";
}

/**
 * Whether a field shows a value, as far as texts and numbers tell.
 * @param {Value} seen
 * @param {unknown} value
 */
export function isSame(seen, value) {
  if (Array.isArray(value)) return JSON.stringify(Array.isArray(seen) ? seen : [seen].filter(Boolean)) === JSON.stringify(value);
  if (typeof value === "number") return Number(seen) === value && seen !== "";
  return String(seen ?? "") === String(value ?? "");
}

/**
 * What holds now, by key, for the rows whose field shows another value.
 * @returns {Record<string, unknown>}
 */
export function unapplied() {
  const holding = settings();
  const other = rows().filter((row) => keyOf(row) in holding && !isSame(shownIn(row), holding[keyOf(row)]));
  return Object.fromEntries(other.map((row) => [keyOf(row), holding[keyOf(row)]]));
}

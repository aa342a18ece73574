// What the parts of a tab are set to, and its script: kept as JSON in one hidden field of the form.
import { isEqual } from "./schema.js";

/** @typedef {Record<string, any>} Value of a part, by the names of its fields */
/** @typedef {{parts: Record<string, Value>, script: string}} Chosen */

/**
 * What a text of the field says; nothing where it cannot be read.
 * @param {string} text
 * @returns {Chosen & {fill: boolean}}
 */
export function readText(text) {
  let read = null;
  try {
    read = JSON.parse(text || "{}");
  } catch {
    // A form that another version kept.
  }
  const isObject = (/** @type {unknown} */ value) => typeof value === "object" && value !== null && !Array.isArray(value);
  const found = isObject(read) ? read : {};
  const parts = isObject(found.parts) ? found.parts : {};
  const kept = Object.fromEntries(Object.entries(parts).filter(([, value]) => isObject(value)));
  return { parts: kept, script: typeof found.script === "string" ? found.script : "", fill: found.fill === true };
}

export class Store {
  /**
   * @param {Record<string, Value>} defaults of each part, by key
   * @param {(text: string) => void} write puts a text into the field
   */
  constructor(defaults, write) {
    this.defaults = defaults;
    this.write = write;
    /** @type {Chosen} */
    this.chosen = { parts: {}, script: "" };
    this.text = "";
    /** What the field showed and what was written into it since, as long as it may tell of that. @type {string[]} */
    this.written = [];
    /** @type {Set<(keys: Set<string> | null) => void>} */
    this.listeners = new Set();
  }

  /**
   * The whole value of a part.
   * @param {string} key
   * @returns {Value}
   */
  read(key) {
    return { ...this.defaults[key], ...this.chosen.parts[key] };
  }

  /**
   * Sets a part; one that is as by default is not kept.
   * @param {string} key
   * @param {Value} value
   */
  set(key, value) {
    const parts = { ...this.chosen.parts, [key]: value };
    if (isEqual(value, this.defaults[key])) delete parts[key];
    this.#take({ ...this.chosen, parts });
  }

  /** @param {string} script */
  choose(script) {
    this.#take({ ...this.chosen, script });
  }

  /**
   * The field shows a text that may be another one than was written: a reload, a paste, "Put back".
   * Gives whether it was.
   * @param {string} text
   */
  show(text) {
    // The field may tell late, and more than once, of earlier texts, when something else has been chosen since.
    const isLate = this.written.includes(text);
    if (text === this.text) this.written.length = 0;
    if (text === this.text || isLate) return false;
    const { fill, ...told } = readText(text);
    const known = Object.fromEntries(Object.entries(told.parts).filter(([key]) => key in this.defaults));
    this.text = text;
    this.#take({ script: told.script, parts: fill ? this.#filled(known) : known });
    return true;
  }

  /**
   * A fill says which parts did something; the others are switched off and keep what they show.
   * @param {Record<string, Value>} told
   */
  #filled(told) {
    const parts = /** @type {Record<string, Value>} */ ({});
    for (const [key, value] of Object.entries(this.chosen.parts)) {
      if (key in told || !("enabled" in (this.defaults[key] ?? {}))) continue;
      parts[key] = { ...value, enabled: false };
    }
    for (const [key, value] of Object.entries(told)) parts[key] = { ...this.defaults[key], ...value };
    return parts;
  }

  /** @param {Chosen} chosen */
  #take(chosen) {
    const before = this.chosen;
    this.chosen = chosen;
    const isEmpty = !Object.keys(chosen.parts).length && !chosen.script;
    const text = isEmpty ? "" : JSON.stringify(chosen);
    if (text !== this.text) {
      // What the field shows now may be told of after this, too.
      if (!this.written.length) this.written.push(this.text);
      this.text = text;
      this.written.push(text);
      this.write(text);
    }
    const keys = new Set([...Object.keys(before.parts), ...Object.keys(chosen.parts)]);
    const changed = [...keys].filter((key) => !isEqual(before.parts[key], chosen.parts[key]));
    for (const listener of this.listeners) listener(new Set(changed));
  }
}

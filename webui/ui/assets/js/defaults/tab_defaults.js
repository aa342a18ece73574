// The defaults of one tab: what its form shows, what was touched, and the chips that offer better values.
import { find } from "../dom.js";
import { make } from "../controls.js";
import { decide, filled, offersFor, shownIn, wantedIn } from "./deciding.js";

/** @import { Shown, State } from "./deciding.js" */

/** Where the chip of each field stands, by the end of the element's id. */
const PLACES = /** @type {Record<string, string>} */ ({
  size: "width",
  steps: "steps",
  cfg_scale: "cfg_scale",
  sampler: "sampling",
  schedule: "scheduler",
  clip_skip: "override_settings",
});
/** Fields whose change by hand touches what can be filled. */
const TOUCHING = /** @type {Record<string, string>} */ ({
  width: "size",
  height: "size",
  steps: "steps",
  cfg_scale: "cfg_scale",
  sampling: "sampler",
  scheduler: "schedule",
  override_settings: "clip_skip",
});
const WORDS = /** @type {Record<string, string>} */ ({ clip_skip: "clip skip ", steps: "", cfg_scale: "" });

export class TabDefaults {
  #state = /** @type {State} */ ({ card: "", before: null, touched: [] });
  #fields = /** @type {Record<string, unknown>} */ ({});
  #next = /** @type {{fill: (shown: Shown) => Shown} | null} */ (null);
  defaults = /** @type {CheckpointDefaults | null} */ (null);

  /**
   * `usualSkip()` is the clip skip of the settings.
   * @param {Tab} tab
   * @param {() => unknown} usualSkip
   */
  constructor(tab, usualSkip) {
    this.tab = tab;
    this.usualSkip = usualSkip;
    try {
      const kept = JSON.parse(localStorage.getItem(this.#key) ?? "null");
      if (typeof kept?.card === "string" && Array.isArray(kept.touched)) this.#state = kept;
    } catch {
      // Whatever stands there, the form is as it was.
    }
    addEventListener("input", (event) => this.#noteTouch(event), true);
  }

  get #key() {
    return `atelier.${this.tab}.defaults`;
  }

  /** What the form shows, by the names of its fields. */
  get fields() {
    return this.#fields;
  }

  get #wanted() {
    return this.defaults ? wantedIn(this.defaults.values, this.usualSkip()) : {};
  }

  /**
   * Another checkpoint is chosen, or the same has other defaults.
   * @param {CheckpointDefaults} defaults
   * @param {{keepAll: boolean}} options
   */
  choose(defaults, options) {
    this.defaults = defaults;
    // A page that was just opened for the same checkpoint, or a form of the time before there were defaults.
    const mayFill = this.#state.card !== defaults.card && this.#state.before !== null;
    const settleOn = (/** @type {Shown} */ shown) => {
      const { fill, touched } = decide(shown, this.#state, this.#wanted, options);
      this.#state = { card: defaults.card, before: this.#wanted, touched };
      return mayFill ? fill : {};
    };
    if (mayFill || !("width" in this.#fields)) return this.#fill(settleOn);
    settleOn(shownIn(this.#fields));
    this.#keep();
    this.drawOffers();
  }

  /** What the form shows is the default from now on. */
  settle() {
    this.#state = { ...this.#state, before: this.#wanted, touched: [] };
    this.#keep();
    this.drawOffers();
  }

  /**
   * Fills in what the checkpoint asks for.
   * @param {string} name
   */
  take(name) {
    this.#fill(() => ({ [name]: this.#wanted[name] }));
    this.#state = { ...this.#state, touched: this.#state.touched.filter((other) => other !== name) };
    this.#keep();
  }

  /** @param {(shown: Shown) => Shown} fill */
  #fill(fill) {
    this.#next = { fill };
    find(`#${this.tab}_fill_defaults`)?.click();
  }

  /**
   * What the hidden button asks for: the values of its fields, given those that they have.
   * @param {string[]} names
   * @param {unknown[]} values
   */
  answer(names, values) {
    const given = Object.fromEntries(names.map((name, index) => [name, values[index]]));
    const fields = filled(given, this.#next?.fill(shownIn(given)) ?? {});
    this.#next = null;
    this.#keep();
    this.see(fields);
    return names.map((name) => fields[name]);
  }

  /**
   * The form shows other values.
   * @param {Record<string, unknown>} fields
   */
  see(fields) {
    this.#fields = { ...this.#fields, ...fields };
    this.drawOffers();
  }

  /** Shows a chip beside each field that has another value than the checkpoint asks for. */
  drawOffers() {
    const wanted = this.#wanted;
    const offered = offersFor(shownIn(this.#fields), wanted);
    for (const [name, end] of Object.entries(PLACES)) {
      const place = find(`#${this.tab}_${end}`);
      const old = place && find(".default-offer", place);
      // No clip skip is no value that a chip could show.
      const value = offered.includes(name) && wanted[name];
      if (!place || (value ? old?.dataset.value === value : !old)) continue;
      old?.remove();
      if (value) place.append(this.#makeOffer(name, value));
      place.classList.toggle("has-default-offer", Boolean(value));
    }
  }

  /**
   * @param {string} name
   * @param {string} value
   */
  #makeOffer(name, value) {
    const words = `${WORDS[name] ?? ""}${value}`;
    const title = `${this.defaults?.stem ?? "The checkpoint"} is best with ${words}. Click to use that.`;
    return make("button", {
      type: "button",
      className: "default-offer",
      textContent: words,
      title,
      attributes: { "aria-label": `Use ${words}, this checkpoint's default`, "data-value": value },
      onclick: () => this.take(name),
    });
  }

  /** @param {Event} event */
  #noteTouch({ target }) {
    if (!(target instanceof Element)) return;
    for (const [end, name] of Object.entries(TOUCHING)) {
      if (this.#state.touched.includes(name) || !target.closest(`#${this.tab}_${end}`)) continue;
      this.#state = { ...this.#state, touched: [...this.#state.touched, name] };
      this.#keep();
    }
  }

  #keep() {
    try {
      localStorage.setItem(this.#key, JSON.stringify(this.#state));
    } catch {
      // A full or forbidden storage must not disturb the work.
    }
  }
}

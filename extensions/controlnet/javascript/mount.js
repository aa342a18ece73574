// The accordion's content: units as tabs, each with its panel.
import { ask, button, make, messageOf } from "./elements.js";
import { UnitPanel } from "./unit.js";
import { blankUnit, readUnits, writeUnits } from "./units.js";
import { openPoseEditor } from "./pose_editor.js";

const MOST_UNITS = 32;

/** All units of one tab of the page. */
export class Units {
  /**
   * @param {HTMLElement} element
   * @param {ControlNetValue | null} value
   * @param {(value: ControlNetValue) => void} onChange
   * @param {ControlNetContext} [context]
   */
  constructor(element, value, onChange, context = {}) {
    this.element = element;
    this.onChange = onChange;
    const tab = context.tab ?? "txt2img";
    this.tab = tab;
    this.canvas = async () => (tab === "img2img" && context.canvas ? context.canvas() : null);
    this.ending = new AbortController();
    this.units = readUnits(value);
    // What tells a unit from others while tabs come and go.
    this.keys = this.units.map(() => Symbol());
    this.active = 0;
    /** @type {Offers | null} */
    this.offers = null;
    /** @type {UnitPanel | null} */
    this.panel = null;
    this.tabs = make("div", { className: "cn-tabs", role: "tablist", "aria-label": "ControlNet units" });
    this.adding = button("+ Unit", () => this.add(), { className: "cn-button cn-add", "aria-label": "Add a unit" });
    this.removing = button("Remove unit", () => this.remove(), { className: "cn-button cn-remove" });
    this.body = make("div", { className: "cn-panel", role: "tabpanel", id: `${tab}_controlnet_panel` });
    element.classList.add("cn-units");
    // Where other extensions' scripts look for the fields of pictures.
    element.id = `${tab}_controlnet`;
    element.replaceChildren(make("div", { className: "cn-bar" }, this.tabs, this.adding, make("span", { className: "cn-gap" }), this.removing), this.body);
    this.body.replaceChildren(make("p", { className: "cn-waiting", role: "status", textContent: "Loading the lists of models and preprocessors …" }));
    this.drawTabs();
    void this.load();
    // Models fit the checkpoint or not.
    addEventListener("checkpoint-defaults", () => void this.load(), { signal: this.ending.signal });
  }

  /** Asks the server what there is. */
  async load() {
    try {
      this.offers = /** @type {Offers} */ (await ask("GET", "controlnet/offers"));
    } catch (error) {
      if (this.offers) return this.panel?.say(messageOf(error));
      const again = button("Try again", () => void this.load());
      this.body.replaceChildren(make("p", { className: "cn-message cn-error", role: "alert", textContent: messageOf(error) }), again);
      return;
    }
    if (this.panel) this.panel.draw();
    else this.drawPanel();
  }

  /**
   * Other values, such as those of a picture's infotext.
   * @param {ControlNetValue | null} value
   */
  update(value) {
    if (JSON.stringify(writeUnits(readUnits(value))) === JSON.stringify(writeUnits(this.units))) return;
    this.units = readUnits(value);
    this.keys = this.units.map(() => Symbol());
    this.active = Math.min(this.active, this.units.length - 1);
    this.draw();
  }

  destroy() {
    this.ending.abort();
  }

  draw() {
    this.drawTabs();
    if (this.offers) this.drawPanel();
  }

  drawTabs() {
    const tabs = this.units.map((unit, index) => {
      const chosen = index === this.active;
      return make("button", {
        type: "button", role: "tab", className: "cn-tab", id: `${this.tab}_controlnet_tab_${index}`, textContent: `Unit ${index}`,
        tabIndex: chosen ? 0 : -1, "aria-selected": String(chosen), "aria-controls": this.body.id,
        onclick: () => this.choose(index),
        onkeydown: (/** @type {KeyboardEvent} */ event) => this.step(event, index),
      }, ...(unit.enabled ? [make("span", { className: "cn-on", title: "Enabled", textContent: " (on)" })] : []));
    });
    this.tabs.replaceChildren(...tabs);
    this.adding.disabled = this.units.length >= MOST_UNITS;
    this.removing.disabled = this.units.length < 2;
    this.body.setAttribute("aria-labelledby", `${this.tab}_controlnet_tab_${this.active}`);
  }

  /**
   * @param {KeyboardEvent} event
   * @param {number} index
   */
  step(event, index) {
    const steps = /** @type {Record<string, number>} */ ({ ArrowRight: index + 1, ArrowLeft: index - 1, Home: 0, End: this.units.length - 1 });
    const to = steps[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.choose((to + this.units.length) % this.units.length);
    /** @type {HTMLElement} */ (this.tabs.children[this.active]).focus();
  }

  /** @param {number} index */
  choose(index) {
    this.active = index;
    this.draw();
  }

  drawPanel() {
    const number = this.active;
    const key = this.keys[number];
    this.panel = new UnitPanel(this.units[number], {
      tab: this.tab,
      number,
      offers: () => /** @type {Offers} */ (this.offers),
      refresh: () => void this.load(),
      change: (values) => this.change(key, values),
      openPose: openPoseEditor,
      canvas: this.canvas,
    });
    this.body.replaceChildren(this.panel.element);
  }

  /**
   * @param {symbol} key
   * @param {Partial<ControlUnit>} values
   */
  change(key, values) {
    const number = this.keys.indexOf(key);
    // A picture may arrive after its unit was removed.
    if (number < 0) return;
    const before = this.units[number];
    this.units[number] = { ...before, ...values };
    if (this.units[number].enabled !== before.enabled) this.drawTabs();
    this.tell();
  }

  tell() {
    this.onChange(writeUnits(this.units));
  }

  add() {
    this.units = [...this.units, blankUnit()];
    this.keys = [...this.keys, Symbol()];
    this.choose(this.units.length - 1);
  }

  remove() {
    this.units = this.units.filter((_, index) => index !== this.active);
    this.keys = this.keys.filter((_, index) => index !== this.active);
    this.active = Math.min(this.active, this.units.length - 1);
    this.draw();
    this.tell();
  }
}

export const editor = {
  /**
   * @param {HTMLElement} element
   * @param {ControlNetValue | null} value
   * @param {(value: ControlNetValue) => void} onChange
   * @param {ControlNetContext} [context]
   */
  mount(element, value, onChange, context) {
    return new Units(element, value, onChange, context);
  },
  /** @param {ControlNetValue | null} value */
  summary(value) {
    const on = (value?.units ?? []).filter((unit) => unit.enabled !== false).length;
    return on ? `${on} ${on === 1 ? "unit" : "units"} on` : "";
  },
};

// The fold "All settings": every field of a run that the method uses, by section.
import { make } from "../controls.js";
import { fieldsOf } from "../parts/schema.js";
import { changedFields, labelOf, sectionsOf } from "./asked.js";
import { Setting } from "./setting.js";

export class AllSettings {
  /** @type {Map<string, Setting>} */
  #settings = new Map();
  #drawnFor = "";

  /** @param {(name: string, value: unknown) => void} onChange */
  constructor(onChange) {
    this.onChange = onChange;
    this.count = make("span", { className: "train-changed-count" });
    this.inside = make("div", { className: "train-sections" });
    this.element = make("details", { className: "train-all", id: "train_all_settings" },
      make("summary", {}, make("span", { textContent: "All settings" }), this.count), this.inside);
  }

  /**
   * @param {Record<string, any>} schema
   * @param {TrainingMethod} method
   */
  #draw(schema, method) {
    if (this.#drawnFor === method.name) return;
    this.#drawnFor = method.name;
    this.#settings.clear();
    const fields = fieldsOf(schema, schema).map((field) => ({ ...field, label: labelOf(field.name) }));
    const sections = [...sectionsOf(fields, method.fields)].map(([title, own], index) => {
      const drawn = own.map((field) => {
        const setting = new Setting(field, (value) => this.onChange(field.name, value));
        this.#settings.set(field.name, setting);
        return setting.element;
      });
      return make("details", { className: "train-section", open: index === 0, attributes: { "data-section": title } },
        make("summary", {}, make("span", { textContent: title }), make("span", { className: "train-changed-count" })),
        make("div", { className: "train-fields" }, ...drawn));
    });
    this.inside.replaceChildren(...sections);
  }

  /**
   * @param {TrainingMethods} methods
   * @param {TrainingMethod} method
   * @param {AskedRun} run
   * @param {TrainingCheck | null} check
   */
  show({ schema }, method, run, check) {
    this.#draw(schema, method);
    for (const [name, setting] of this.#settings) setting.show(run[name], check?.run[name], check?.chosen[name] ?? "");
    const changed = changedFields(run, method.fields);
    this.count.textContent = changed.length ? `${changed.length} changed` : "";
    for (const section of this.inside.children) {
      const own = changed.filter((name) => section.querySelector(`[data-field="${name}"]`)).length;
      section.querySelector("summary .train-changed-count")?.replaceChildren(own ? `${own} changed` : "");
    }
  }

  /** Opens the field of this name and goes there. @param {string} name */
  reveal(name) {
    const setting = this.#settings.get(name);
    if (!setting) return;
    this.element.open = true;
    const section = setting.element.closest("details");
    if (section) section.open = true;
    setting.input.focus();
  }
}

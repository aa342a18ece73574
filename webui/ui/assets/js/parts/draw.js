// A form drawn from a JSON schema.
import { make } from "../controls.js";
import { button } from "../dialogs.js";
import { choice, number, text, tick, written } from "./fields.js";
import { pictureField } from "./picture.js";
import { defaultsOf, fieldsOf } from "./schema.js";

/** @typedef {import("./schema.js").Field} Field */
/** @typedef {import("./schema.js").Schema} Schema */
/** @typedef {import("./fields.js").Widget} Widget */
/** @typedef {Record<string, any>} Value */

/**
 * Draws the fields of a model into an element. `leaveOut` names those that stand elsewhere.
 * @param {HTMLElement} element
 * @param {Schema} model
 * @param {Schema} root
 * @param {Value} value
 * @param {(value: Value) => void} onChange
 * @param {string[]} [leaveOut]
 */
export function drawForm(element, model, root, value, onChange, leaveOut = []) {
  let current = value;
  const fields = fieldsOf(model, root).filter(({ name }) => !leaveOut.includes(name));
  const widgets = new Map(fields.map((field) => [field, widgetOf(field, root, current[field.name], (now) => {
    current = { ...current, [field.name]: now };
    showFitting();
    onChange(current);
  })]));
  const showFitting = () => {
    for (const [{ when }, { element: own }] of widgets) {
      own.hidden = Object.entries(when ?? {}).some(([name, values]) => !values.includes(current[name]));
    }
  };
  element.classList.add("part-form");
  element.append(...[...widgets.values()].map((widget) => widget.element));
  showFitting();
  return {
    update: (/** @type {Value} */ now) => {
      current = now;
      for (const [{ name }, widget] of widgets) widget.update(now[name]);
      showFitting();
    },
  };
}

/**
 * @param {Field} field
 * @param {Schema} root
 * @param {any} value
 * @param {(value: any) => void} onChange
 * @returns {Widget}
 */
function widgetOf(field, root, value, onChange) {
  switch (field.kind) {
    case "tick": return tick(field, value, onChange);
    case "slider":
    case "number": return number(field, value, onChange);
    case "choice": return choice(field, value, onChange);
    case "picture": return pictureField(field.label, value, onChange, field);
    case "units": return units(field, root, value ?? [], onChange);
    case "model": return inner(field, root, value ?? {}, onChange);
    case "text": return text(field, value, onChange);
    default: return written(field, value, onChange);
  }
}

/**
 * A model within a model.
 * @param {Field} field
 * @param {Schema} root
 * @param {Value} value
 * @param {(value: Value) => void} onChange
 * @returns {Widget}
 */
function inner(field, root, value, onChange) {
  const element = make("fieldset", { className: "part-model", title: field.about }, make("legend", { textContent: field.label }));
  const { update } = drawForm(element, field.schema, root, value, onChange);
  return { element, update };
}

/**
 * A list of models, each with a button that removes it, and one that adds another.
 * @param {Field} field
 * @param {Schema} root
 * @param {Value[]} value
 * @param {(value: Value[]) => void} onChange
 * @returns {Widget}
 */
function units(field, root, value, onChange) {
  let current = value;
  const list = make("div", { className: "part-unit-list" });
  const add = button("Add", () => change([...current, defaultsOf(field.item ?? {}, root)]), { title: `Add to ${field.label}` });
  const element = make("div", { className: "part-units", attributes: { role: "group", "aria-label": field.label, "data-field": field.name } },
    make("span", { className: "part-label", textContent: field.label, title: field.about }), list, add);
  const change = (/** @type {Value[]} */ now) => {
    update(now);
    onChange(now);
  };
  /** @type {{update: (value: Value) => void}[]} */
  let drawn = [];
  const unit = (/** @type {Value} */ one, /** @type {number} */ index) => {
    const name = `${field.label.replace(/s$/, "")} ${index + 1}`;
    const remove = button("Remove", () => {
      change(current.filter((_, at) => at !== index));
      add.focus();
    }, { title: `Remove ${name}` });
    remove.disabled = current.length <= (field.min ?? 0);
    const box = make("fieldset", { className: "part-unit" }, make("legend", { textContent: name }), remove);
    drawn.push(drawForm(box, field.item ?? {}, root, one, (now) => {
      current = current.with(index, now);
      onChange(current);
    }));
    return box;
  };
  const update = (/** @type {Value[]} */ now) => {
    const isAsMany = now.length === drawn.length;
    current = now ?? [];
    add.disabled = current.length >= (field.max ?? Infinity);
    if (isAsMany) return drawn.forEach((each, index) => each.update(current[index]));
    drawn = [];
    list.replaceChildren(...current.map(unit));
  };
  update(value);
  return { element, update };
}

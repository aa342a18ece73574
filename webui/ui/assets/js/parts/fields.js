// Single fields of a part's form: each an element, and a function that shows another value.
import { make } from "../controls.js";
import { ask, messageOf } from "../server.js";

/** @typedef {import("./schema.js").Field} Field */
/** @typedef {{element: HTMLElement, update: (value: any) => void}} Widget */
/** @typedef {(value: any) => void} Change */

let made = 0;
const lists = /** @type {Map<string, Promise<string[]>>} */ (new Map());

/** An id that no other element has. @param {string} name */
function freshId(name) {
  made += 1;
  return `part_${name}_${made}`;
}

/**
 * A label with what it belongs to below it.
 * @param {Field} field
 * @param {string} id
 * @param {...Node} inside
 */
function labelled({ label, about, kind, name }, id, ...inside) {
  const words = make("label", { htmlFor: id, textContent: label, title: about });
  return make("div", { className: `part-field part-${kind}`, attributes: { "data-field": name } }, words, ...inside);
}

/**
 * @param {Field} field
 * @param {boolean} value
 * @param {Change} onChange
 * @returns {Widget}
 */
export function tick(field, value, onChange) {
  const id = freshId(field.name);
  const input = make("input", { type: "checkbox", id, checked: Boolean(value) });
  input.onchange = () => onChange(input.checked);
  const words = make("label", { htmlFor: id, textContent: field.label, title: field.about });
  const element = make("div", { className: "part-field part-tick", attributes: { "data-field": field.name } }, input, words);
  return { element, update: (now) => (input.checked = Boolean(now)) };
}

/**
 * A number, with a slider where both ends are known.
 * @param {Field} field
 * @param {number | null} value
 * @param {Change} onChange
 * @returns {Widget}
 */
export function number(field, value, onChange) {
  const id = freshId(field.name);
  const ends = { min: field.min ?? "", max: field.max ?? "", step: field.step ?? "any" };
  const box = make("input", { type: "number", id, value: value ?? "", ...ends });
  // The value comes last: a slider without its own ends and steps rounds it to whole numbers.
  const range = make("input", { type: "range", ...ends, value: value ?? 0, attributes: { "aria-label": field.label } });
  const isOptional = field.schema.default === null || value === null;
  box.oninput = () => {
    if (box.value === "") return isOptional ? onChange(null) : undefined;
    // What is out of range is refused by the server, with a sentence; meanwhile the box says so.
    box.setAttribute("aria-invalid", String(!box.validity.valid && !box.validity.stepMismatch));
    range.value = box.value;
    onChange(box.valueAsNumber);
  };
  range.oninput = () => {
    box.value = range.value;
    box.removeAttribute("aria-invalid");
    onChange(range.valueAsNumber);
  };
  const row = field.kind === "slider" ? [make("div", { className: "part-slide" }, range, box)] : [box];
  return {
    element: labelled(field, id, ...row),
    update: (now) => {
      box.value = now ?? "";
      range.value = now ?? "";
      box.removeAttribute("aria-invalid");
    },
  };
}

/**
 * A list to choose from; the default, and what it does not offer yet, stand in it too.
 * @param {Field} field
 * @param {string | null} value
 * @param {Change} onChange
 * @returns {Widget}
 */
export function choice(field, value, onChange) {
  const id = freshId(field.name);
  const select = make("select", { id });
  let shown = value;
  const fill = (/** @type {unknown[]} */ choices) => {
    const first = [field.schema.default, shown].filter((each) => each !== undefined && !choices.includes(each));
    const all = [...new Set([...first, ...choices])];
    select.replaceChildren(...all.map((each, index) => make("option", { value: index, textContent: each === "" ? "None" : String(each ?? "None") })));
    select.selectedIndex = all.indexOf(shown);
    select.onchange = () => onChange((shown = /** @type {string} */ (all[select.selectedIndex])));
    return choices;
  };
  let known = fill(field.choices ?? []);
  const inside = /** @type {Node[]} */ ([select]);
  const from = field.from;
  if (from) {
    const load = () => loadChoices(from).then(
      (choices) => (known = fill(choices)),
      (error) => (select.title = messageOf(error)),
    );
    void load();
    const again = make("button", { type: "button", className: "tool icon-refresh", title: "Look for new files", textContent: "Look for new files" });
    again.onclick = () => {
      lists.delete(from);
      void load();
    };
    inside.splice(0, 1, make("div", { className: "part-choose" }, select, again));
  }
  return { element: labelled(field, id, ...inside), update: (now) => ((shown = now), fill(known)) };
}

/**
 * What a list from the server offers, asked for once.
 * @param {string} from
 * @returns {Promise<string[]>}
 */
function loadChoices(from) {
  const path = from.includes("/") ? from.replace(/^\//, "") : `v1/choices/${encodeURIComponent(from)}`;
  const asked = lists.get(from) ?? ask("GET", path).then((answer) => {
    const list = Array.isArray(answer) ? answer : Object.values(answer ?? {}).find(Array.isArray);
    return (list ?? []).map(String);
  });
  lists.set(from, asked);
  asked.catch(() => lists.delete(from));
  return asked;
}

/**
 * @param {Field} field
 * @param {string | null} value
 * @param {Change} onChange
 * @returns {Widget}
 */
export function text(field, value, onChange) {
  const id = freshId(field.name);
  const lines = field.lines ?? 1;
  const input = lines > 1 ? make("textarea", { id, rows: lines, value: value ?? "" }) : make("input", { type: "text", id, value: value ?? "" });
  input.autocomplete = "off";
  input.oninput = () => onChange(input.value);
  return { element: labelled(field, id, input), update: (now) => (input.value = now ?? "") };
}

/**
 * A text that stands for another value: one entry in each line, or JSON.
 * @param {Field} field
 * @param {any} value
 * @param {Change} onChange
 * @returns {Widget}
 */
export function written(field, value, onChange) {
  const isLines = field.kind === "lines";
  const isNumber = field.item?.type !== "string";
  const show = (/** @type {any} */ now) => (isLines ? (now ?? []).join("\n") : JSON.stringify(now, null, 1));
  const inner = text(field, show(value), (now) => {
    const input = inner.element.querySelector("textarea");
    try {
      const entries = now.split("\n").filter((/** @type {string} */ line) => line.trim());
      const read = isLines ? (isNumber ? entries.map(Number) : entries) : JSON.parse(now || "null");
      if (isLines && isNumber && read.some(Number.isNaN)) throw new Error("no number");
      input?.removeAttribute("aria-invalid");
      onChange(read);
    } catch {
      input?.setAttribute("aria-invalid", "true");
    }
  });
  return { element: inner.element, update: (now) => inner.update(show(now)) };
}

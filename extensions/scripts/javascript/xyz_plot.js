// X/Y/Z plot's form: the one that the page draws, with a button at each axis that writes all its values, as A1111's has.

/**
 * @typedef {Record<string, any>} Value
 * @typedef {{tab: string, schema: any, ask: (method: string, path: string) => Promise<any>,
 *   draw: (element: HTMLElement, schema: any, value: Value, onChange: (value: Value) => void) => {update(value: Value): void}}} Context
 */

const TITLE = "Fill with all values of this axis";

/**
 * @param {HTMLElement} element
 * @param {Value} value
 * @param {(value: Value) => void} onChange
 * @param {Context} context
 */
export function mount(element, value, onChange, context) {
  let now = value;
  /** @type {Record<string, string>} */
  let choices = {};
  const form = context.draw(element, context.schema, value, (changed) => {
    now = changed;
    onChange(changed);
    show();
  });
  /** @type {Record<string, HTMLButtonElement>} */
  const buttons = {};
  const load = async () => {
    choices = await context.ask("GET", `v1/xyz/choices?tab=${context.tab}`);
    show();
  };
  /** @param {string} axis */
  const fill = async (axis) => {
    // Files may have come since.
    await load();
    const text = choices[now[`${axis}_type`]];
    if (text === undefined) return;
    now = { ...now, [`${axis}_values`]: text, [`${axis}_choices`]: [] };
    form.update(now);
    onChange(now);
  };
  for (const axis of ["x", "y", "z"]) {
    const input = findInput(element, `${axis.toUpperCase()} values`);
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className: "tool xyz-fill", title: TITLE, textContent: "📒", hidden: true });
    button.setAttribute("aria-label", `${TITLE}: ${axis.toUpperCase()}`);
    button.onclick = () => void fill(axis).catch((error) => (button.title = error.message));
    if (input) {
      const row = document.createElement("div");
      row.className = "part-choose";
      input.replaceWith(row);
      row.append(input, button);
    }
    buttons[axis] = button;
  }
  /** Buttons stand only at axes that have a list. */
  function show() {
    for (const [axis, button] of Object.entries(buttons)) button.hidden = choices[now[`${axis}_type`]] === undefined;
  }
  void load().catch(() => {});
  return {
    /** @param {Value} changed */
    update(changed) {
      now = changed;
      form.update(changed);
      show();
    },
  };
}

/**
 * The field that a label names.
 * @param {HTMLElement} element
 * @param {string} words
 */
function findInput(element, words) {
  const label = [...element.querySelectorAll("label")].find((each) => each.textContent?.trim() === words);
  const id = label?.getAttribute("for");
  return id ? element.querySelector(`#${CSS.escape(id)}`) : null;
}

/** @type {any} */ (window).atelier?.registerPart("xyz_plot", { mount });

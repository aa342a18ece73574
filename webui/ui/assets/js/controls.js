// Small pieces of what scripts build. Other modules import from here.

/**
 * An element with properties, attributes and children.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Made<Tag>} [properties]
 * @param {...(Node | string | number)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function make(tag, properties, ...children) {
  const { attributes = {}, ...others } = properties ?? {};
  const element = Object.assign(document.createElement(tag), others);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value ?? "");
  element.append(...children.map((child) => (typeof child === "number" ? String(child) : child)));
  return element;
}

/**
 * A small button with a picture; `words` are its tooltip.
 * @param {string} icon
 * @param {string} words
 * @param {() => unknown} action
 */
export function iconButton(icon, words, action) {
  return make("button", {
    type: "button",
    className: `tool icon-${icon}`,
    title: words,
    textContent: words,
    onclick: (event) => {
      event.stopPropagation();
      action();
    },
  });
}

/**
 * A slider with a word before it; `action` gets the number.
 * @param {string} words
 * @param {[min: number, max: number, step: number]} range
 * @param {number} value
 * @param {(value: number) => void} action
 */
export function slider(words, [min, max, step], value, action) {
  const input = make("input", { type: "range", min, max, step, value, title: words, attributes: { "aria-label": words } });
  input.addEventListener("input", () => action(Number(input.value)));
  return input;
}

// Small pieces of what scripts build. Other modules import from here.

/** An element with properties, attributes and children. */
export function make(tag, { attributes = {}, ...properties } = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** A small button with a picture; `words` are its tooltip. */
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

/** A slider with a word before it; `action` gets the number. */
export function slider(words, [min, max, step], value, action) {
  const input = make("input", { type: "range", min, max, step, value, title: words, attributes: { "aria-label": words } });
  input.addEventListener("input", () => action(Number(input.value)));
  return input;
}

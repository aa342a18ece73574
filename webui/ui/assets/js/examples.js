// Example prompts of the checkpoint, three at a time, as long as the prompt is empty.
import { appears, find, type } from "./dom.js";
import { iconButton, make } from "./controls.js";

const AT_ONCE = 3;
const TAB = "txt2img";
let examples = /** @type {string[]} */ ([]);
let first = 0;

const row = await appears(`#${TAB}_prompt_row`);
const list = make("div", {
  id: `${TAB}_examples`,
  className: "examples",
  hidden: true,
  attributes: { role: "group", "aria-label": "Example prompts" },
});
row.append(list);

/** The ones whose turn it is. */
function shown() {
  return Array.from({ length: Math.min(AT_ONCE, examples.length) }, (_, index) => examples[(first + index) % examples.length]);
}

/** @param {string} text */
function drawExample(text) {
  return make("button", {
    type: "button",
    className: "example",
    textContent: text,
    title: text,
    onclick: () => {
      const field = prompt();
      type(field, text);
      field?.focus();
    },
  });
}

function draw() {
  const others = iconButton("refresh", "Other examples", () => {
    first = (first + AT_ONCE) % examples.length;
    draw();
    find(".tool", list)?.focus();
  });
  list.replaceChildren(
    make("span", { className: "examples-head", textContent: "Try" }),
    ...(examples.length > AT_ONCE ? [others] : []),
    ...shown().map(drawExample),
  );
}

/** @returns {HTMLTextAreaElement | null} */
function prompt() {
  return find(`#${TAB}_prompt textarea`);
}

function showOrHide() {
  const isWanted = examples.length > 0 && !prompt()?.value;
  if (list.hidden === !isWanted) return;
  // The next time others have their turn.
  if (!isWanted) first = (first + AT_ONCE) % examples.length;
  else draw();
  list.hidden = !isWanted;
}

addEventListener("checkpoint-defaults", ({ detail: { tab, defaults } }) => {
  if (tab !== TAB) return;
  examples = defaults.examples;
  first = 0;
  list.hidden = true;
  showOrHide();
});
addEventListener("form-change", ({ detail: { key } }) => key === `atelier.${TAB}` && showOrHide());
addEventListener("input", ({ target }) => target === prompt() && showOrHide(), true);

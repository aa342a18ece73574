// A button that opens a short list of things to do.
import { make } from "./controls.js";

/** @typedef {{words: string, hint?: string, action: () => unknown}} Entry */

/**
 * `entries()` gives {words, hint, action} each time the list opens.
 * @param {string} words
 * @param {string} title
 * @param {() => Entry[]} entries
 */
export function menuButton(words, title, entries) {
  const menu = make("div", { className: "menu", popover: "auto", attributes: { role: "menu" } });
  const opener = make("button", {
    type: "button",
    className: "cards-add opens-menu",
    textContent: words,
    title,
    attributes: { "aria-haspopup": "menu", "aria-expanded": "false" },
    onclick: () => menu.togglePopover(),
  });
  menu.addEventListener("beforetoggle", ({ newState }) => {
    opener.setAttribute("aria-expanded", String(newState === "open"));
    if (newState === "open") menu.replaceChildren(...entries().map((entry) => item(entry, menu)));
  });
  menu.addEventListener("toggle", ({ newState }) => {
    if (newState !== "open") return;
    place(menu, opener);
    itemsOf(menu)[0]?.focus();
  });
  menu.addEventListener("keydown", (event) => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (!step) return;
    event.preventDefault();
    const items = itemsOf(menu);
    items.at((items.findIndex((each) => each === document.activeElement) + step) % items.length)?.focus();
  });
  return make("span", { className: "menu-holder" }, opener, menu);
}

/** @param {HTMLElement} menu */
function itemsOf(menu) {
  return [...menu.querySelectorAll("button")];
}

/**
 * @param {Entry} entry
 * @param {HTMLElement} menu
 */
function item({ words, hint, action }, menu) {
  return make(
    "button",
    {
      type: "button",
      attributes: { role: "menuitem" },
      onclick: () => {
        menu.hidePopover();
        action();
      },
    },
    make("span", { textContent: words }),
    ...(hint ? [make("span", { className: "hint", textContent: hint })] : []),
  );
}

/**
 * Below the button, or above where there is no room; never out of the window.
 * @param {HTMLElement} menu
 * @param {HTMLElement} opener
 */
function place(menu, opener) {
  const { left, top, bottom } = opener.getBoundingClientRect();
  const below = bottom + 4 + menu.offsetHeight <= innerHeight;
  menu.style.left = `${Math.max(8, Math.min(left, innerWidth - menu.offsetWidth - 8))}px`;
  menu.style.top = `${below ? bottom + 4 : Math.max(8, top - 4 - menu.offsetHeight)}px`;
}

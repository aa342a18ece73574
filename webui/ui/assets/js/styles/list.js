// The list of styles in their dialog: by file where there are several, with a search.
import { make } from "../controls.js";

/** Fewer are seen at once. */
const SEARCHED = 12;
/** Rows like "---- Camera ----" part the list, as people write them for A1111. */
const DIVIDER = /^[^\p{L}\p{N}]{2}/u;

export class StylesList {
  /** @type {StyleEntry[]} */
  #styles = [];
  /** @type {StylesFileEntry[]} */
  #files = [];
  #shown = "";

  /** @param {(style: StyleEntry) => void} choose */
  constructor(choose) {
    this.choose = choose;
    this.search = make("input", {
      type: "search",
      placeholder: "Search styles",
      attributes: { "aria-label": "Search styles", autocomplete: "off" },
    });
    this.search.addEventListener("input", () => this.#draw());
    this.list = make("div", { className: "styles-list" });
    this.element = make("div", { className: "styles-side" }, this.search, this.list);
  }

  /**
   * Shows other styles.
   * @param {StylesAnswer} answer
   */
  fill({ styles, files }) {
    this.#styles = styles;
    this.#files = files;
    this.search.hidden = styles.length <= SEARCHED;
    this.#draw();
  }

  /**
   * Marks the one that is being edited.
   * @param {string} name
   */
  show(name) {
    this.#shown = name;
    for (const button of this.list.querySelectorAll("button")) mark(button, button.dataset.name === name);
  }

  #draw() {
    const words = this.search.hidden ? [] : this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const matches = (/** @type {StyleEntry} */ style) => {
      const text = `${style.name} ${style.prompt} ${style.negative_prompt}`.toLowerCase();
      return words.every((word) => text.includes(word));
    };
    const found = this.#styles.filter(matches);
    const groups = this.#files.map(({ label }) => this.#group(label, found.filter(({ file }) => file === label)));
    const nothing = this.#styles.length ? "No style matches." : "No styles yet. Name one, write its prompt, and save it.";
    this.list.replaceChildren(...(found.length ? groups.flat() : [make("p", { className: "hint", textContent: nothing })]));
  }

  /**
   * @param {string} label
   * @param {StyleEntry[]} styles
   */
  #group(label, styles) {
    if (!styles.length) return [];
    const heading = this.#files.length > 1 ? [make("h3", { textContent: label })] : [];
    return [...heading, ...styles.map((style) => this.#row(style))];
  }

  /** @param {StyleEntry} style */
  #row(style) {
    const { name, prompt, negative_prompt: negative } = style;
    const isDivider = !prompt && !negative && DIVIDER.test(name);
    const button = make("button", {
      type: "button",
      className: isDivider ? "divider" : "",
      textContent: name,
      title: [prompt, negative && `Negative: ${negative}`].filter(Boolean).join("\n"),
      onclick: () => this.choose(style),
      attributes: { "data-name": name },
    });
    mark(button, name === this.#shown);
    return button;
  }
}

/**
 * @param {HTMLElement} button
 * @param {boolean} isShown
 */
function mark(button, isShown) {
  if (isShown) button.setAttribute("aria-current", "true");
  else button.removeAttribute("aria-current");
}

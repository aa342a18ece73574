// What is on its way, and what became of it: a small list at the edge of the page. It folds by itself once all went well.
import { make } from "../controls.js";

/**
 * What the buttons of a line are made from, by the page that is loaded next.
 * @typedef {{arrival?: Arrival, missing?: NamedModel}} About
 * @typedef {{title: string, text: string, state: string, about: About | null}} KeptLine
 */

const KEPT = "atelier.arrivals";
const MOST_KEPT = 50;
// Long enough to read what is told.
const FOLDS_AFTER_MS = 8000;

export class Tray {
  /** @type {Line[]} */
  #lines = [];

  constructor() {
    this.list = make("ul", { className: "tray-list" });
    const close = make(
      "button",
      {
        type: "button",
        className: "tray-close",
        textContent: "×",
        title: "Clear what is done",
        onclick: () => this.clear(),
      },
    );
    close.setAttribute("aria-label", "Clear what is done");
    this.unfold = make("button", {
      type: "button",
      className: "tray-unfold",
      onclick: () => this.#fold(false),
      attributes: { "aria-expanded": "false" },
    });
    this.element = make(
      "aside",
      {
        id: "arrivals",
        className: "tray",
        hidden: true,
        attributes: { "aria-label": "Arrivals", "aria-live": "polite" },
      },
      make("header", {}, make("strong", { textContent: "Arrivals" }), close),
      this.list,
      this.unfold,
    );
    document.body.append(this.element);
    const watched = { childList: true, subtree: true, attributes: true, attributeFilter: ["class"] };
    new MutationObserver(() => this.#wait()).observe(this.list, watched);
    for (const left of ["mouseleave", "focusout"]) this.element.addEventListener(left, () => this.#wait());
    addEventListener("pagehide", () => this.#keep());
  }

  /** Folds after a while, unless something goes on, went wrong, waits for an answer, or is being read. */
  #wait() {
    clearTimeout(this.timer);
    if (!this.#lines.every((line) => line.isSettled)) return this.#fold(false);
    this.timer = setTimeout(() => {
      if (!this.element.matches(":hover, :focus-within")) this.#fold(true);
    }, FOLDS_AFTER_MS);
  }

  #fold(/** @type {boolean} */ folded) {
    this.element.classList.toggle("folded", folded);
    this.unfold.textContent = `Arrivals · ${this.#lines.length}`;
    if (!folded) this.list.scrollTop = 0;
  }

  /** Saves what is told, for the page that is loaded next. */
  #keep() {
    const told = this.#lines.filter((line) => !line.isToldByServer && !line.element.classList.contains("busy"));
    const kept = told.slice(-MOST_KEPT).map(({ title, text, element, about }) => {
      return { title: title.textContent, text: text.textContent, state: element.className, about };
    });
    try {
      sessionStorage.setItem(KEPT, JSON.stringify(kept));
    } catch {
      // A full or forbidden storage must not disturb the work.
    }
  }

  /**
   * What the page before told, oldest first.
   * @returns {KeptLine[]}
   */
  kept() {
    return JSON.parse(sessionStorage.getItem(KEPT) ?? "[]");
  }

  /**
   * A new line; see `Line`.
   * @param {string} title
   */
  add(title) {
    const line = new Line(title, () => this.#forget(line));
    this.#lines.push(line);
    this.list.prepend(line.element);
    this.element.hidden = false;
    this.#fold(false);
    return line;
  }

  /** Takes away everything that is not on its way. */
  clear() {
    for (const line of [...this.#lines]) if (!line.element.classList.contains("busy")) line.remove();
  }

  /** @param {Line} line */
  #forget(line) {
    this.#lines = this.#lines.filter((other) => other !== line);
    this.element.hidden = !this.#lines.length;
  }
}

/** One of them: a title, how far it is, what became of it, and buttons. */
export class Line {
  /**
   * @param {string} title
   * @param {() => void} onGone
   */
  constructor(title, onGone) {
    this.title = make("span", { className: "tray-title", textContent: title, title });
    this.bar = make("progress", { max: 1, value: 0, hidden: true });
    this.text = make("p", { className: "tray-text" });
    this.buttons = make("div", { className: "tray-buttons" });
    this.element = make("li", {}, this.title, this.bar, this.text, this.buttons);
    this.onGone = onGone;
    // Whether the server tells it to the next page.
    this.isToldByServer = false;
    this.about = /** @type {About | null} */ (null);
    // Whether one of its buttons asks something, rather than only leading somewhere.
    this.asks = false;
  }

  /** Whether it went well, and nothing is asked. */
  get isSettled() {
    return !["busy", "failed"].some((state) => this.element.classList.contains(state)) && !this.asks;
  }

  /** @param {string} title */
  rename(title) {
    this.title.textContent = this.title.title = title;
  }

  /**
   * Shows that it goes on; `share` is 0 to 1, or null where nobody knows.
   * @param {number | null} share
   * @param {string} text
   */
  progress(share, text) {
    this.element.className = "busy";
    this.bar.hidden = false;
    if (share === null) this.bar.removeAttribute("value");
    else this.bar.value = share;
    this.text.textContent = text;
  }

  /**
   * Shows how it ended ("done", "failed" or ""); `about` is what the next page makes its buttons from.
   * @param {string} text
   * @param {string} [state]
   * @param {About | null} [about]
   */
  say(text, state = "", about = null) {
    this.about = about;
    this.element.className = state;
    this.bar.hidden = true;
    this.text.textContent = text;
    this.buttons.replaceChildren();
    this.asks = false;
  }

  /**
   * Says more, and leaves the buttons.
   * @param {string} text
   */
  tell(text) {
    this.text.textContent = text;
  }

  /**
   * Adds a button; `action` gets it. One that only leads somewhere does not keep the list open.
   * @param {string} label
   * @param {(button: HTMLButtonElement) => unknown} action
   * @param {{asks?: boolean}} [options]
   */
  offer(label, action, { asks = true } = {}) {
    this.asks ||= asks;
    const button = make("button", { type: "button", textContent: label });
    button.addEventListener("click", () => action(button));
    this.buttons.append(button);
    return button;
  }

  remove() {
    this.element.remove();
    this.onGone();
  }
}

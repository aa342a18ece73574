// What is on its way, and what became of it: a small list at the edge of the page.
import { make } from "../controls.js";

const KEPT = "atelier.arrivals";

export class Tray {
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
    );
    document.body.append(this.element);
    this.#showKept();
  }

  /** Saves what is told, for the page that is loaded next. */
  keep() {
    const told = [...this.list.children].filter((element) => !element.classList.contains("busy"));
    const lines = told.map((element) => [".tray-title", ".tray-text"].map((part) => element.querySelector(part).textContent));
    sessionStorage.setItem(KEPT, JSON.stringify(lines.map((line, at) => [...line, told[at].className])));
  }

  #showKept() {
    const lines = JSON.parse(sessionStorage.getItem(KEPT) ?? "[]");
    sessionStorage.removeItem(KEPT);
    for (const [title, text, state] of lines.reverse()) this.add(title).say(text, state);
  }

  /** A new line; see `Line`. */
  add(title) {
    const line = new Line(title, () => this.#hideIfEmpty());
    this.list.prepend(line.element);
    this.element.hidden = false;
    return line;
  }

  /** Takes away everything that is not on its way. */
  clear() {
    for (const element of [...this.list.children]) if (!element.classList.contains("busy")) element.remove();
    this.#hideIfEmpty();
  }

  #hideIfEmpty() {
    this.element.hidden = !this.list.children.length;
  }
}

class Line {
  constructor(title, onGone) {
    this.title = make("span", { className: "tray-title", textContent: title, title });
    this.bar = make("progress", { max: 1, value: 0, hidden: true });
    this.text = make("p", { className: "tray-text" });
    this.buttons = make("div", { className: "tray-buttons" });
    this.element = make("li", {}, this.title, this.bar, this.text, this.buttons);
    this.onGone = onGone;
  }

  rename(title) {
    this.title.textContent = this.title.title = title;
  }

  /** Shows that it goes on; `share` is 0 to 1, or null where nobody knows. */
  progress(share, text) {
    this.element.className = "busy";
    this.bar.hidden = false;
    if (share === null) this.bar.removeAttribute("value");
    else this.bar.value = share;
    this.text.textContent = text;
  }

  /** Shows a sentence: how it ended ("done", "failed" or ""). */
  say(text, state = "") {
    this.element.className = state;
    this.bar.hidden = true;
    this.text.textContent = text;
    this.buttons.replaceChildren();
  }

  /** Adds a button; `action` gets it. */
  offer(label, action) {
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

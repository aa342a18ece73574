// A line that says what happened, with buttons where there is something to do.
import { make } from "../controls.js";
import { messageOf } from "../server.js";

export class Notice {
  constructor() {
    this.text = make("p");
    this.buttons = make("span", { className: "train-notice-buttons" });
    this.element = make("div", { className: "notice-box train-notice", hidden: true, attributes: { role: "status" } }, this.text, this.buttons);
  }

  /**
   * @param {string} words none hides it
   * @param {"info" | "warning" | "error"} [level]
   * @param {...HTMLButtonElement} buttons
   */
  say(words, level = "info", ...buttons) {
    this.element.className = `notice-box train-notice ${level}`;
    this.element.hidden = !words;
    this.text.textContent = words;
    this.buttons.replaceChildren(...buttons);
  }

  /** @param {unknown} error @param {...HTMLButtonElement} buttons */
  fail(error, ...buttons) {
    this.say(messageOf(error), "error", ...buttons);
  }

  clear() {
    this.say("");
  }
}

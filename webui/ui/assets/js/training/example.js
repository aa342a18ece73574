// One picture of a data set with its caption beside it.
import { iconButton, make } from "../controls.js";
import { writtenCaption } from "./filters.js";
import { dataSets } from "./requests.js";

// Twice the size on the page, for fine screens.
const THUMBNAIL = 256;

/**
 * What a card tells the desk.
 * @typedef {object} ExampleActions
 * @property {(file: string, caption: string) => Promise<boolean>} save
 * @property {(file: string) => void} open
 * @property {(file: string) => void} remove
 * @property {() => void} choose
 * @property {(card: ExampleCard) => void} next
 */

export class ExampleCard {
  /**
   * @param {string} dataSet
   * @param {Example} example
   * @param {ExampleActions} actions
   */
  constructor(dataSet, example, actions) {
    this.example = example;
    this.actions = actions;
    const { file } = example;
    this.tick = make("input", { type: "checkbox", title: `Choose ${file}`, onchange: actions.choose, attributes: { "aria-label": `Choose ${file}` } });
    const picture = make("img", { src: dataSets.picture(dataSet, file, THUMBNAIL), alt: "", loading: "lazy", decoding: "async" });
    const open = make("button", {
      type: "button",
      className: "train-thumb-open",
      title: "What training sees of it",
      onclick: () => actions.open(file),
      attributes: { "aria-label": `Look at ${file}` },
    }, picture);
    this.caption = make("textarea", {
      rows: 3,
      value: writtenCaption(example),
      placeholder: "No caption yet: what is to be seen, tags or a sentence",
      spellcheck: true,
      attributes: { "aria-label": `Caption of ${file}` },
      onchange: () => void this.save(),
      onkeydown: (event) => this.#onKey(event),
    });
    this.marks = make("ul", { className: "train-marks" });
    const name = make("span", { className: "train-file", textContent: file, title: file });
    this.facts = make("span", { className: "train-file-facts" });
    this.element = make("li", { className: "train-example", attributes: { "data-file": file } },
      make("div", { className: "train-thumb" }, open, this.tick),
      make("div", { className: "train-words" },
        make("div", { className: "train-file-line" }, name, this.facts, iconButton("clear", `Remove ${file}`, () => actions.remove(file))),
        this.caption, this.marks));
    this.update(example);
  }

  get isChosen() {
    return this.tick.checked;
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    this.actions.next(this);
  }

  /** Saves the caption where it changed. */
  async save() {
    const words = this.caption.value;
    if (words === writtenCaption(this.example)) return;
    this.element.classList.add("saving");
    if (await this.actions.save(this.example.file, words)) this.example = { ...this.example, caption: words };
    this.element.classList.remove("saving");
  }

  /** @param {Example} example as the server has it now; what is being typed stays */
  update(example) {
    const isTyped = this.caption.value !== writtenCaption(this.example);
    this.example = example;
    if (!isTyped) this.caption.value = writtenCaption(example);
    const { width, height, repeats, is_regularisation: isClass, mask, warnings } = example;
    const facts = [`${width} × ${height}`, repeats > 1 ? `${repeats} times` : "", isClass ? "of the class" : "", mask ? "mask" : ""];
    this.facts.textContent = facts.filter(Boolean).join(" · ");
    this.marks.replaceChildren(...warnings.map((sentence) => make("li", { textContent: sentence })));
    this.element.classList.toggle("warned", warnings.length > 0);
  }
}

// The chips above the pictures, which filter them, and the row that changes many captions at once.
import { make } from "../controls.js";
import { button } from "../dialogs.js";
import { menuButton } from "../menu.js";
import { isShown, targetOf, writtenTags } from "./filters.js";
import { valueText } from "./words.js";

/** @typedef {import("./filters.js").Filter} Filter */

const FEW = 24;
/** @type {[kind: Filter["kind"], words: string][]} */
const KINDS = [["all", "All"], ["bare", "Without caption"], ["warned", "To look at"], ["alike", "Look alike"]];

export class TagBar {
  /** @type {Filter} */
  filter = { kind: "all" };
  #showsAll = false;
  /** @type {DataSet | null} */
  #data = null;
  /** @type {string[]} */
  #chosen = [];

  /**
   * @param {() => void} onFilter
   * @param {(change: CaptionChange) => Promise<unknown>} onChange
   */
  constructor(onFilter, onChange) {
    this.onFilter = onFilter;
    this.onChange = onChange;
    this.chips = make("div", { className: "train-chips", attributes: { role: "group", "aria-label": "Show pictures with" } });
    this.tag = make("input", { type: "text", placeholder: "Tag or words", autocomplete: "off", attributes: { "aria-label": "Tag or words" } });
    this.other = make("input", { type: "text", placeholder: "Other words", autocomplete: "off", attributes: { "aria-label": "Other words" } });
    this.target = make("span", { className: "hint train-target" });
    const act = (/** @type {string} */ words, /** @type {CaptionChange["action"]} */ action, title = "") =>
      button(words, () => void this.#change(action), { className: "train-small", title });
    this.buttons = [
      act("Put first", "add_front", "Put these words at the front of captions that lack them"),
      act("Put last", "add", "Put these words at the end of captions that lack them"),
      act("Remove", "remove", "Take this tag out"),
    ];
    this.replace = act("Replace with", "replace", "Put the other words in place of this tag");
    this.tag.oninput = this.other.oninput = () => this.#enable();
    this.tag.onkeydown = (event) => {
      if (event.key === "Enter" && this.tag.value.trim()) void this.#change("add_front");
    };
    const tidy = menuButton("Tidy", "Put the tags of captions in order", () => [
      { words: "Each tag once", hint: "Tags that stand twice in a caption go", action: () => void this.onChange({ action: "dedupe", ...this.#files() }) },
      { words: "Frequent tags first", hint: "The same order in all captions", action: () => void this.onChange({ action: "reorder", ...this.#files() }) },
    ]);
    const row = make("div", { className: "train-bulk", attributes: { role: "group", "aria-label": "Change captions" } },
      this.tag, ...this.buttons, this.replace, this.other, tidy, this.target);
    this.element = make("div", { className: "train-tags" }, this.chips, row);
    this.#enable();
  }

  /** @param {DataSet} data @param {string[]} chosen files */
  show(data, chosen) {
    this.#data = data;
    this.#chosen = chosen;
    if (this.filter.kind !== "all" && !data.examples.some((each) => isShown(each, this.filter, data.duplicates))) {
      this.filter = { kind: "all" };
      this.onFilter();
    }
    const kinds = KINDS.map(([kind, words]) => this.#kindChip(kind, words)).filter((chip) => chip !== null);
    const all = writtenTags(data);
    const tags = this.#showsAll ? all : all.slice(0, FEW);
    const more = all.length - tags.length;
    this.#redraw([...kinds, ...tags.map(({ tag, count }) => this.#tagChip(tag, count)), ...(more > 0 ? [this.#moreChip(more)] : [])]);
    this.target.textContent = targetOf(data.examples, chosen, this.filter, data.duplicates).words;
  }

  /** Chips are drawn anew; the one that had the focus keeps it. @param {HTMLElement[]} chips */
  #redraw(chips) {
    const focused = this.chips.contains(document.activeElement) ? document.activeElement?.getAttribute("data-chip") : null;
    this.chips.replaceChildren(...chips);
    if (focused) chips.find((chip) => chip.dataset.chip === focused)?.focus();
  }

  /** @param {Filter["kind"]} kind @param {string} words */
  #kindChip(kind, words) {
    const { examples, duplicates } = /** @type {DataSet} */ (this.#data);
    const count = examples.filter((each) => isShown(each, { kind }, duplicates)).length;
    if (!count && kind !== "all") return null;
    return this.#chip(words, count, { kind }, `train-kind ${kind}`);
  }

  /** @param {string} tag @param {number} count */
  #tagChip(tag, count) {
    return this.#chip(tag, count, { kind: "tag", tag }, "");
  }

  /** @param {number} more */
  #moreChip(more) {
    return button(`${more} more`, () => {
      this.#showsAll = true;
      if (this.#data) this.show(this.#data, this.#chosen);
    }, { className: "train-chip" });
  }

  /**
   * @param {string} words
   * @param {number} count
   * @param {Filter} filter
   * @param {string} className
   */
  #chip(words, count, filter, className) {
    const isOn = this.filter.kind === filter.kind && this.filter.tag === filter.tag;
    const press = () => {
      this.filter = isOn ? { kind: "all" } : filter;
      if (filter.tag) this.tag.value = isOn ? "" : filter.tag;
      this.#enable();
      this.onFilter();
    };
    return make("button", {
      type: "button",
      className: `train-chip ${className}`,
      onclick: press,
      attributes: { "aria-pressed": String(isOn), "data-chip": `${filter.kind} ${filter.tag ?? ""}` },
    }, make("span", { textContent: words }), make("span", { className: "train-count", textContent: valueText(count) }));
  }

  #enable() {
    const isThere = Boolean(this.tag.value.trim());
    for (const each of this.buttons) each.disabled = !isThere;
    this.replace.disabled = !isThere || !this.other.value.trim();
  }

  /** @param {CaptionChange["action"]} action */
  async #change(action) {
    const text = this.tag.value.trim();
    await this.onChange({ action, text, ...(action === "replace" ? { with: this.other.value.trim() } : {}), ...this.#files() });
  }

  /** Which captions are meant. @returns {{files?: string[]}} */
  #files() {
    const data = this.#data;
    const files = data && targetOf(data.examples, this.#chosen, this.filter, data.duplicates).files;
    return files ? { files } : {};
  }
}

// The editor of styles: list, new, change, rename, delete and undo; into the prompt and out of it.
import { make } from "../controls.js";
import { button, dialogButtons, openDialog } from "../dialogs.js";
import { ask, messageOf } from "../server.js";
import { applyTo, chooseIn, chosenIn, promptsOf, readStyles, writePrompts } from "./known.js";
import { StylesList } from "./list.js";

const NOT_SAVED = "There are unsaved changes. Save them, or do that again to discard them.";
const SAVE_FIRST = "Save the style first: what is in the file is written into the prompt.";
const CONFLICT = 409;

export class StylesDialog {
  /** @type {StyleEntry | null} the style as it was read; null for a new one */
  #style = null;
  /** What the fields held when they were filled. */
  #filled = "";
  /** How often they were filled. */
  #fills = 0;
  #warned = false;

  /** @param {Tab} tab */
  constructor(tab) {
    this.tab = tab;
    this.list = new StylesList((style) => this.#mayLeave() && this.#fill(style));
    this.message = make("p", { className: "details-message", attributes: { role: "status" } });
    const columns = make("fieldset", { className: "styles-columns" }, this.#side(), this.#fields());
    this.columns = columns;
    this.dialog = openDialog("Styles", { mayClose: () => this.#mayLeave() }, columns, this.message, this.#buttons());
    this.dialog.classList.add("styles-dialog");
    this.dialog.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.save?.click();
    });
    this.#filled = JSON.stringify(this.#texts());
    this.#wait(true);
    void this.#attempt(() => this.#begin());
  }

  /** Until the styles are there nobody knows which of them the fields are about, so nothing can be typed. */
  async #begin() {
    const answer = await readStyles().finally(() => this.#wait(false));
    this.#open(answer);
  }

  /** @param {boolean} waits */
  #wait(waits) {
    this.columns.disabled = waits;
    this.columns.setAttribute("aria-busy", String(waits));
    if (this.save) this.save.disabled = waits;
    this.#enable();
  }

  #side() {
    const fresh = button("New style", () => this.#mayLeave() && this.#new());
    const extract = button("Extract from prompt", () => this.#attempt(() => this.#extract()), {
      title: "Finds styles whose text stands in the prompts, takes it out, and chooses them",
    });
    this.list.element.prepend(fresh);
    this.list.element.append(extract);
    return this.list.element;
  }

  #fields() {
    this.name = make("input", { type: "text", maxLength: 200, attributes: { autocomplete: "off" } });
    this.file = make("select");
    this.prompt = make("textarea", { rows: 5 });
    this.negative = make("textarea", { rows: 3 });
    this.fileField = field("File", this.file);
    const take = button("Copy from the prompt", () => this.#copy(), {
      title: "Takes the prompt and the negative prompt of the page",
    });
    const hint = "{prompt} stands for what is in the prompt; without it the style goes behind, after a comma.";
    return make(
      "div",
      { className: "details-main" },
      field("Name", this.name),
      this.fileField,
      field("Prompt", this.prompt),
      field("Negative prompt", this.negative),
      make("p", { className: "hint", textContent: hint }),
      make("div", { className: "styles-copy" }, take),
    );
  }

  #buttons() {
    this.remove = button("Delete", () => this.#attempt(() => this.#delete()), { className: "danger" });
    this.apply = button("Apply to prompt", () => this.#attempt(() => this.#apply()));
    const close = button("Close", () => this.#mayLeave() && this.dialog.close());
    this.save = button("Save", () => this.#save(), { className: "primary", title: "Ctrl+Enter" });
    return dialogButtons(this.remove, null, close, this.apply, this.save);
  }

  /** @param {StylesAnswer} answer */
  #open(answer) {
    this.#list(answer);
    const [first] = chosenIn(this.tab);
    const known = answer.styles.find(({ name }) => name === first);
    if (known) this.#fill(known);
    else this.#new(first);
    this.#tell(answer.files.flatMap(({ messages }) => messages).join(" "));
  }

  /** @param {StylesAnswer} answer */
  #list(answer) {
    this.list.fill(answer);
    this.file?.replaceChildren(...answer.files.map(({ label }) => make("option", { textContent: label, value: label })));
    if (this.fileField) this.fileField.hidden = answer.files.length < 2;
  }

  /** @param {string} [name] */
  #new(name = "") {
    this.#fill({ name, prompt: "", negative_prompt: "", file: this.file?.value ?? "", version: "" });
    this.#style = null;
    this.#enable();
    this.name?.focus();
  }

  /** @param {StyleEntry} style */
  #fill(style) {
    if (!this.name || !this.prompt || !this.negative || !this.file) return;
    this.#style = style;
    this.#fills += 1;
    this.name.value = style.name;
    this.prompt.value = style.prompt;
    this.negative.value = style.negative_prompt;
    if (style.file) this.file.value = style.file;
    this.#filled = JSON.stringify(this.#texts());
    this.#enable();
    this.list.show(style.version ? style.name : "");
    this.#tell("");
  }

  /**
   * What was saved is what the fields are about; what was typed since is not saved yet.
   * @param {StyleEntry} style as it was written
   * @param {Prompts & {name: string}} texts as they were sent
   */
  #keep(style, texts) {
    const now = this.#texts();
    this.#fill(style);
    if (this.name && now.name !== texts.name) this.name.value = now.name;
    if (this.prompt && now.prompt !== texts.prompt) this.prompt.value = now.prompt;
    if (this.negative && now.negative_prompt !== texts.negative_prompt) this.negative.value = now.negative_prompt;
  }

  #enable() {
    const isKept = Boolean(this.#style?.version);
    // A style stays in its file.
    if (this.file) this.file.disabled = isKept;
    if (this.remove) this.remove.disabled = !isKept;
    if (this.apply) this.apply.disabled = !isKept;
  }

  #texts() {
    return {
      name: this.name?.value.trim() ?? "",
      prompt: this.prompt?.value ?? "",
      negative_prompt: this.negative?.value ?? "",
    };
  }

  #isChanged() {
    return JSON.stringify(this.#texts()) !== this.#filled;
  }

  /** Whether the fields may hold something else now: what was not saved is told of once. */
  #mayLeave() {
    if (this.#warned || !this.#isChanged()) return true;
    this.#tell(NOT_SAVED);
    this.#warned = true;
    return false;
  }

  /**
   * @param {string} sentence
   * @param {...Node} more
   */
  #tell(sentence, ...more) {
    this.#warned = false;
    this.message.replaceChildren(...(sentence ? [sentence] : []), ...more);
  }

  /** @param {() => unknown} action */
  async #attempt(action) {
    try {
      await action();
    } catch (error) {
      this.#tell(messageOf(error));
    }
  }

  #copy() {
    const { prompt, negative_prompt: negative } = promptsOf(this.tab);
    if (this.prompt) this.prompt.value = prompt;
    if (this.negative) this.negative.value = negative;
    this.#tell(prompt || negative ? "" : "The prompts of the page are empty.");
  }

  async #save() {
    const [style, texts, fills] = [this.#style, this.#texts(), this.#fills];
    try {
      const written = style
        ? await ask("PUT", "v1/styles", { ...texts, old_name: style.name, version: style.version })
        : await ask("POST", "v1/styles", { ...texts, file: this.file?.value ?? "" });
      const rename = (/** @type {string} */ name) => (name === style?.name ? written.name : name);
      this.#list(await readStyles((chosen) => chosen.map(rename)));
      // Who went on to another style meanwhile stays there; who typed on keeps that.
      if (this.#fills === fills) this.#keep(written, texts);
      this.#tell(`“${written.name}” was saved.`);
    } catch (error) {
      this.#tell(messageOf(error));
      if (/** @type {Refusal} */ (error).status === CONFLICT) await this.#attempt(() => this.#follow(messageOf(error)));
    }
  }

  /**
   * The style is another in its file than it was when it was read.
   * @param {string} sentence
   */
  async #follow(sentence) {
    const answer = await readStyles();
    this.#list(answer);
    this.#style = answer.styles.find(({ name }) => name === this.#style?.name) ?? null;
    this.#enable();
    this.#tell(`${sentence} Choose it in the list to see that, or save again to replace it.`);
  }

  async #delete() {
    const style = this.#style;
    if (!style) return;
    const { id, sentence } = await ask("DELETE", `v1/styles?${new URLSearchParams({ name: style.name, version: style.version })}`);
    this.#list(await readStyles());
    this.#new();
    const undo = button("Undo", () => this.#attempt(() => this.#restore(id)));
    this.#tell(sentence, undo);
    undo.focus();
  }

  /** @param {string} id */
  async #restore(id) {
    const style = await ask("POST", `v1/styles/deleted/${id}/restore`);
    this.#list(await readStyles());
    this.#fill(style);
    this.#tell(`“${style.name}” is back.`);
  }

  async #apply() {
    if (!this.#style) return;
    if (this.#isChanged()) return this.#tell(SAVE_FIRST);
    const { sentence } = await applyTo(this.tab, [this.#style.name]);
    this.#tell(sentence || `“${this.#style.name}” was written into the prompt.`);
  }

  async #extract() {
    const found = await ask("POST", "v1/styles/extract", promptsOf(this.tab));
    const names = /** @type {string[]} */ (found.names);
    if (!names.length) return this.#tell("No style's text stands in the prompts.");
    writePrompts(this.tab, found);
    chooseIn(this.tab, (chosen) => [...chosen, ...names]);
    this.#tell(`Taken out of the prompt and chosen: ${names.join(", ")}.`);
  }
}

/**
 * A field with its label.
 * @param {string} label
 * @param {HTMLElement} input
 */
function field(label, input) {
  return make("label", { className: "details-field" }, make("span", { textContent: label }), input);
}

// The data-set desk: pictures with their captions, and all that is done with them before a run.
import { make } from "../controls.js";
import { button, twiceButton } from "../dialogs.js";
import { menuButton } from "../menu.js";
import { messageOf } from "../server.js";
import { openCaptioning } from "./captioning.js";
import { openCrop } from "./crop.js";
import { emptyDesk } from "./empty.js";
import { ExampleCard } from "./example.js";
import { inOrder, isShown, targetOf, writtenCaption } from "./filters.js";
import { askForFolder } from "./folder_dialog.js";
import { filesIn, filesOf, freeName, isForDataSet, nameFor, portions, sentenceOfAdding, withoutTop } from "./intake.js";
import { Notice } from "./notice.js";
import { dataSets } from "./requests.js";
import { TagBar } from "./tags.js";
import { counted } from "./words.js";

/** @typedef {import("./intake.js").Dropped} Dropped */

// While a captioner writes, its captions are looked for this often.
const WRITING_MS = 1500;
/** A job that nobody knows of any more. @type {CaptioningState} */
const LOST = { state: "lost", done: 0, pictures: 0, detail: "", messages: [], error: null };

export class Desk {
  /** @type {DataSet | null} */
  data = null;
  /** @type {DataSetSummary[]} */
  #sets = [];
  /** @type {Map<string, ExampleCard>} */
  #cards = new Map();
  seen = { resolution: 512, crop: "focal" };

  /** @param {(data: DataSet | null) => void} onData */
  constructor(onData) {
    this.onData = onData;
    this.notice = new Notice();
    this.tags = new TagBar(() => this.#filter(), (change) => this.#change(change));
    this.pictures = this.#chooser("Pictures", "train_files");
    this.pictures.accept = "image/*,.zip,.txt,.caption,.toml,.json";
    this.folder = this.#chooser("Folder", "train_folder");
    this.folder.webkitdirectory = true;
    this.empty = emptyDesk({
      choose: () => this.pictures.click(),
      chooseFolder: () => this.folder.click(),
      nameFolder: () => this.#nameFolder(),
      open: (name) => void this.open(name),
    });
    this.list = make("ul", { className: "train-grid" });
    this.sizes = make("div", { className: "train-buckets" });
    this.full = make("div", { className: "train-full", hidden: true }, this.tags.element, this.list, this.sizes);
    this.which = make("select", { id: "train_dataset_directory", attributes: { "aria-label": "Data set" }, onchange: () => void this.open(this.which.value) });
    this.facts = make("span", { className: "hint train-facts", attributes: { role: "status" } });
    this.write = button("Write captions", () => this.#caption(), { title: "A model looks at the pictures and writes captions" });
    this.undo = button("Undo", () => void this.#undo(), { title: "Take back the last change of captions, or the last picture that was removed" });
    const remove = twiceButton("Delete", "Really delete?", () => void this.#remove(), { title: "Delete this data set" });
    this.tools = make("div", { className: "train-tools", hidden: true }, this.#addMenu(), this.write, this.undo, remove);
    const head = make("div", { className: "train-head" }, make("h2", { textContent: "Pictures" }), this.which, this.facts, this.tools);
    this.element = make("section", { className: "train-desk", attributes: { "data-takes-files": "", "aria-label": "Pictures" } },
      head, this.notice.element, this.empty.element, this.full, this.pictures, this.folder);
    this.#listen();
  }

  /**
   * A hidden field that asks for files.
   * @param {string} words
   * @param {string} id
   */
  #chooser(words, id) {
    const input = make("input", { type: "file", id, multiple: true, hidden: true, attributes: { "aria-label": words } });
    input.onchange = () => {
      const files = filesIn(input.files);
      input.value = "";
      void this.take(files);
    };
    return input;
  }

  #addMenu() {
    return menuButton("Add", "Add pictures", () => [
      { words: "Pictures or a zip", hint: "From this device; dropping them does the same", action: () => this.pictures.click() },
      { words: "A folder", hint: "From this device, with its captions", action: () => this.folder.click() },
    ]);
  }

  #listen() {
    const over = (/** @type {boolean} */ is) => this.element.classList.toggle("over", is);
    this.element.addEventListener("dragover", (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      over(true);
    });
    this.element.addEventListener("dragleave", ({ relatedTarget }) => {
      if (!(relatedTarget instanceof Node && this.element.contains(relatedTarget))) over(false);
    });
    this.element.addEventListener("drop", async (event) => {
      over(false);
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      await this.take(await filesOf(event.dataTransfer));
    });
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) for (const card of this.#cards.values()) void card.save();
    });
  }

  /**
   * Takes files into the data set that is open, or into a new one; models among them go where they belong.
   * @param {Dropped[]} dropped
   */
  async take(dropped) {
    const own = dropped.filter(({ file }) => isForDataSet(file));
    const others = dropped.filter((each) => !own.includes(each)).map(({ file }) => file);
    if (others.length && !own.length) return window.webui.takeFiles(others);
    if (!own.length) return;
    try {
      const name = this.data?.name ?? (await this.#makeFor(own));
      await this.#send(name, withoutTop(own));
    } catch (error) {
      this.notice.fail(error, button("Try again", () => void this.take(dropped)));
    }
  }

  /** @param {Dropped[]} files */
  async #makeFor(files) {
    this.#sets = await dataSets.list();
    return (await dataSets.make(nameFor(files, this.#sets.map(({ name }) => name)))).name;
  }

  /** @param {string} name @param {Dropped[]} files */
  async #send(name, files) {
    const all = /** @type {FilesAdded} */ ({ added: [], skipped: [] });
    let sent = 0;
    for (const portion of portions(files)) {
      this.notice.say(`Adding ${counted(files.length, "file")}: ${sent} done …`);
      const { added, skipped } = await dataSets.send(name, portion);
      all.added.push(...added);
      all.skipped.push(...skipped);
      sent += portion.length;
    }
    this.notice.say(sentenceOfAdding(all), all.skipped.length ? "warning" : "info");
    await this.open(name);
  }

  /** Reads the list, and the data set again that was open. @param {string} [name] */
  async begin(name) {
    await this.#readList();
    if (name && this.#sets.some((set) => set.name === name)) await this.open(name);
    else this.#show();
  }

  async #readList() {
    try {
      this.#sets = await dataSets.list();
    } catch (error) {
      this.notice.fail(error, button("Try again", () => void this.begin(this.data?.name)));
    }
  }

  /** Shows a data set; none for an empty name. @param {string} name */
  async open(name) {
    if (name !== this.data?.name) {
      this.#cards.clear();
      this.data = null;
    }
    if (name) await this.#read(name);
    await this.#readList();
    this.#show();
    this.onData(this.data);
  }

  /** @param {string} name */
  async #read(name) {
    try {
      const data = await dataSets.read(name, this.seen.resolution);
      this.data = { ...data, examples: inOrder(data.examples) };
    } catch (error) {
      this.notice.fail(error, button("Try again", () => void this.open(name)));
    }
  }

  /** Reads the open one again and shows what changed. */
  async refresh() {
    if (!this.data) return;
    await this.#read(this.data.name);
    this.#show();
    this.onData(this.data);
  }

  /** How the run would see pictures: buckets and cuts follow. @param {{resolution: number, crop: string}} seen */
  see(seen) {
    const isOther = seen.resolution !== this.seen.resolution;
    this.seen = seen;
    if (isOther) void this.refresh();
  }

  #show() {
    const { data } = this;
    const names = this.#sets.map(({ name }) => name);
    this.which.replaceChildren(make("option", { value: "", textContent: "New …" }), ...names.map((name) => make("option", { value: name, textContent: name })));
    this.which.value = data?.name ?? "";
    this.which.hidden = !names.length;
    const has = Boolean(data?.examples.length);
    this.tools.hidden = !data;
    this.empty.element.hidden = has;
    this.empty.show(data ? [] : this.#sets.filter(({ pictures }) => pictures));
    this.full.hidden = !has;
    this.facts.textContent = data && has ? this.#factsOf(data) : "";
    if (!data) return;
    this.undo.disabled = !data.can_undo;
    this.#showCards(data);
    this.#filter();
    this.sizes.replaceChildren(...bucketRow(data.buckets));
  }

  /** @param {DataSet} data */
  #factsOf({ examples }) {
    const own = examples.filter(({ is_regularisation: isClass }) => !isClass);
    const bare = own.filter((each) => !writtenCaption(each).trim()).length;
    const some = bare === own.length ? "none has a caption" : bare ? `${bare} without caption` : "all with captions";
    return `${counted(own.length, "picture")}, ${some}`;
  }

  /** @param {DataSet} data */
  #showCards(data) {
    const cards = data.examples.map((example) => {
      const card = this.#cards.get(example.file) ?? this.#makeCard(data.name, example);
      card.update(example);
      return card;
    });
    this.#cards = new Map(cards.map((card) => [card.example.file, card]));
    const elements = cards.map(({ element }) => element);
    // Moving an element takes the focus from it.
    if (elements.length === this.list.children.length && elements.every((each, at) => each === this.list.children[at])) return;
    this.list.replaceChildren(...elements);
  }

  /** @param {string} dataSet @param {Example} example */
  #makeCard(dataSet, example) {
    return new ExampleCard(dataSet, example, {
      save: (file, caption) => this.#save(file, caption),
      open: (file) => this.data && openCrop(this.data, file, this.seen),
      remove: (file) => void this.#removeFile(file),
      choose: () => this.#filter(),
      next: (card) => this.#focusNext(card),
    });
  }

  /** @param {ExampleCard} card */
  #focusNext(card) {
    const shown = [...this.#cards.values()].filter(({ element }) => !element.hidden);
    (shown[shown.indexOf(card) + 1] ?? shown[0]).caption.focus();
  }

  #chosen() {
    return [...this.#cards.values()].filter((card) => card.isChosen && !card.element.hidden).map(({ example }) => example.file);
  }

  #filter() {
    const { data } = this;
    if (!data) return;
    for (const card of this.#cards.values()) card.element.hidden = !isShown(card.example, this.tags.filter, data.duplicates);
    this.tags.show(data, this.#chosen());
  }

  /** @param {string} file @param {string} caption */
  async #save(file, caption) {
    const name = this.data?.name ?? "";
    try {
      await dataSets.caption(name, file, caption);
    } catch (error) {
      const again = button("Try again", () => void this.#cards.get(file)?.save());
      this.notice.say(`The caption of ${file} is not saved yet. ${messageOf(error)}`, "error", again);
      return false;
    }
    if (this.data) await this.refresh();
    return true;
  }

  /** @param {CaptionChange} change */
  async #change(change) {
    const name = this.data?.name ?? "";
    const before = new Map(this.data?.examples.map((each) => [each.file, each.caption]));
    try {
      await dataSets.change(name, change);
      await this.refresh();
      const changed = this.data?.examples.filter(({ file, caption }) => before.get(file) !== caption).length ?? 0;
      const words = changed ? `${counted(changed, "caption")} changed.` : "No caption changed: none of them is concerned.";
      this.notice.say(words, "info", ...(changed ? [button("Undo", () => void this.#undo())] : []));
    } catch (error) {
      this.notice.fail(error);
    }
  }

  async #undo() {
    try {
      const { restored, left } = await dataSets.undo(this.data?.name ?? "");
      await this.refresh();
      const others = left.length ? ` ${counted(left.length, "caption")} changed meanwhile, and stayed.` : "";
      this.notice.say(`Undone: ${counted(restored.length, "picture")} as before.${others}`);
    } catch (error) {
      this.notice.fail(error);
    }
  }

  /** @param {string} file */
  async #removeFile(file) {
    try {
      await dataSets.removeFile(this.data?.name ?? "", file);
      await this.refresh();
      this.notice.say(`${file} is no longer in the data set.`, "info", button("Undo", () => void this.#undo()));
    } catch (error) {
      this.notice.fail(error);
    }
  }

  async #remove() {
    const name = this.data?.name ?? "";
    try {
      await dataSets.remove(name);
      await this.open("");
      this.notice.say(`The data set ${name} is in the trash.`);
    } catch (error) {
      this.notice.fail(error);
    }
  }

  #nameFolder() {
    askForFolder(async (name, folder) => {
      const made = await dataSets.make(freeName(name, this.#sets.map((set) => set.name)), folder);
      await this.open(made.name);
    });
  }

  #caption() {
    const { data } = this;
    if (!data) return;
    const { files } = targetOf(data.examples, this.#chosen(), this.tags.filter, data.duplicates);
    openCaptioning({ files, count: files?.length ?? data.examples.length }, async (wish) => {
      const { job } = await dataSets.write(data.name, wish);
      this.notice.say("Captions are being written, picture by picture …");
      void this.#follow(data.name, job);
    });
  }

  /**
   * Shows captions as they are written, until the job is over.
   * @param {string} name
   * @param {string} job
   */
  async #follow(name, job) {
    const stop = button("Stop", () => void dataSets.stopWriting(job).catch((error) => this.notice.fail(error)));
    for (let shown = 0; this.data?.name === name; ) {
      await new Promise((resolve) => setTimeout(resolve, WRITING_MS));
      const now = await dataSets.writing(job).catch((error) => ({ ...LOST, error: messageOf(error) }));
      const isOver = !["queued", "running", "paused"].includes(now.state);
      if (isOver || now.done > shown) await this.refresh();
      shown = now.done;
      if (isOver) return this.notice.say(now.error ?? (now.messages.join(" ") || "The captions are written."), now.error ? "error" : "info");
      const far = now.pictures ? `${now.done} of ${now.pictures} done` : now.detail || "it waits for its turn";
      this.notice.say(`Captions are being written: ${far} …`, "info", stop);
    }
  }
}

/** @param {Bucket[]} buckets */
function bucketRow(buckets) {
  if (!buckets.length) return [];
  const largest = buckets.reduce((most, { width, height }) => Math.max(most, width, height), 1);
  const shapes = buckets.map(({ width, height, count }) => {
    const shape = make("span", { className: "train-shape", attributes: { "aria-hidden": "true" } });
    shape.style.width = `${(22 * width) / largest}px`;
    shape.style.height = `${(22 * height) / largest}px`;
    return make("span", { className: "train-bucket" }, shape, `${width} × ${height}`, make("span", { className: "train-count", textContent: count }));
  });
  return [make("span", { className: "hint", textContent: "Trained at" }), ...shapes];
}

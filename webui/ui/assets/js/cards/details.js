// What is known of one file, and what the artist adds: a dialog over the page.
import { find } from "../dom.js";
import { make } from "../controls.js";
import { button, dialogButtons, openDialog } from "../dialogs.js";
import { ask, address, messageOf } from "../server.js";
import { facts, metadata } from "./facts.js";
import { Fields } from "./fields.js";
import { readTrash } from "./trash.js";

/** @typedef {(card: Card | null, trashed?: Trashed) => void} Changed what a card is now, or null and what it became */

const NO_PICTURE = "There is no picture in the gallery. Generate one first, or choose one.";
const NOT_SAVED = "There are unsaved changes. Save them, or close again to discard them.";
const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });

/**
 * The path of the picture that a tab's gallery shows.
 * @param {Tab} tab
 * @returns {string | null}
 */
function shownPicture(tab) {
  const text = find(`#generation_info_${tab} textarea`)?.value;
  const paths = /** @type {string[]} */ (text ? JSON.parse(text).paths : []);
  const source = find(`#${tab}_gallery .preview img`)?.src;
  const name = source ? decodeURIComponent(new URL(source).pathname).split(/[\\/]/).at(-1) : null;
  return paths.find((path) => path.split(/[\\/]/).at(-1) === name) ?? paths.at(-1) ?? null;
}

/**
 * Opens the dialog; resolves when it is closed. `changed(card)` is called with what the card is now, or with
 * nothing and what lies in the trash.
 * @param {Card} card
 * @param {Tab} tab
 * @param {Changed} changed
 * @returns {Promise<void>}
 */
export function edit(card, tab, changed) {
  return new Promise((resolve) => new Details(card, tab, changed, resolve));
}

class Details {
  #tab;
  #changed;
  /** @type {Fields | null} */
  #fields = null;
  #warned = false;

  /**
   * @param {Card} card
   * @param {Tab} tab
   * @param {Changed} changed
   * @param {() => void} closed
   */
  constructor(card, tab, changed, closed) {
    this.#tab = tab;
    this.#changed = changed;
    this.message = make("p", { className: "details-message", attributes: { role: "status" } });
    this.body = make("div", {}, make("p", { className: "hint", textContent: "Reading …" }));
    this.dialog = openDialog(card.stem, { mayClose: () => this.#mayClose() }, this.body, this.message);
    this.dialog.addEventListener("close", closed);
    this.dialog.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.save?.click();
    });
    void this.#update(() => ask("GET", `v1/cards/${card.id}`), false);
  }

  #mayClose() {
    if (this.#warned || !this.#fields?.isChanged()) return true;
    this.message.textContent = NOT_SAVED;
    this.#warned = true;
    return false;
  }

  /**
   * @template Answer
   * @param {() => Promise<Answer>} action
   * @param {string} [waiting]
   * @returns {Promise<Answer | null>}
   */
  async #attempt(action, waiting = "") {
    this.message.textContent = waiting;
    try {
      const result = await action();
      this.message.textContent = "";
      return result;
    } catch (error) {
      this.message.textContent = messageOf(error);
      return null;
    }
  }

  /**
   * Does something that gives the card anew, and shows it; what was typed meanwhile stays.
   * @param {() => Promise<CardDetails>} action
   * @param {boolean} [tell]
   * @param {string} [waiting]
   */
  async #update(action, tell = true, waiting = "") {
    const card = await this.#attempt(action, waiting);
    if (!card || !this.dialog.open) return;
    if (tell) this.#changed(card);
    this.#fill(card);
  }

  /** @param {CardDetails} card */
  #fill(card) {
    const fields = new Fields(card, this.#tab, this.#fields);
    this.#fields = fields;
    const update = (/** @type {string} */ words, /** @type {() => Promise<CardDetails>} */ action, waiting = "") =>
      button(words, () => this.#update(action, true, waiting));
    const route = `v1/cards/${card.id}`;
    const preview = card.thumbnail
      ? make("img", { alt: `Preview of ${card.stem}`, src: address(`${route}/preview?v=${Date.now()}`) })
      : make("p", { className: "hint", textContent: "No preview yet" });
    const side = make(
      "div",
      { className: "details-side" },
      preview,
      update(card.has_own_preview ? "Replace with the picture shown" : "Preview from the picture shown", () => this.#take(route)),
      this.#choosePicture(route),
      ...(card.has_own_preview ? [update("Remove the preview", () => ask("DELETE", `${route}/preview`))] : []),
      update("Ask Civitai about this file", () => ask("POST", `${route}/fetch`, {}), "Asking Civitai …"),
      facts(card, () => this.#update(() => ask("POST", `${route}/hash`), true, "Computing the hash …")),
    );
    const main = make(
      "div",
      { className: "details-main" },
      ...(card.reason ? [make("p", { className: "details-reason", textContent: card.reason })] : []),
      ...fields.elements,
      ...metadata(card),
    );
    this.save = button("Save", () => this.#save(card, fields), { className: "primary", title: "Ctrl+Enter" });
    const columns = make("div", { className: "details-columns" }, side, main);
    this.body.replaceChildren(...(card.update ? [this.#newer(card.update)] : []), columns);
    this.buttons?.remove();
    const discard = button("Move to the trash", () => this.#discard(card, discard), { className: "danger" });
    const close = button("Close", () => this.#mayClose() && this.dialog.close());
    this.buttons = dialogButtons(discard, null, close, this.save);
    this.dialog.append(this.buttons);
  }

  /** @param {CardUpdate} update */
  #newer({ version, published, base_model: base, link }) {
    const when = published ? `, of ${DAY.format(new Date(published))}` : "";
    const fetched = button("Fetch it", () => {
      window.webui.fetchLink(link);
      fetched.disabled = true;
      fetched.textContent = "On its way";
    });
    const told = `${version}${when}${base ? `, for ${base}` : ""}, is on Civitai. It comes as a file of its own; this one stays.`;
    return make("div", { className: "details-newer" }, make("span", { textContent: told }), fetched);
  }

  /** @param {string} route */
  async #take(route) {
    const path = shownPicture(this.#tab);
    if (!path) throw new Error(NO_PICTURE);
    return ask("PUT", `${route}/preview?output=${encodeURIComponent(path)}`);
  }

  /** @param {string} route */
  #choosePicture(route) {
    const file = make("input", { type: "file", accept: "image/*", hidden: true });
    file.addEventListener("change", () => {
      const chosen = file.files?.[0];
      if (chosen) void this.#update(() => ask("PUT", `${route}/preview`, chosen));
    });
    return make("span", { className: "details-choose" }, file, button("Preview from a file …", () => file.click()));
  }

  /**
   * @param {CardDetails} card
   * @param {Fields} fields
   */
  async #save(card, fields) {
    const now = await this.#attempt(() => ask("PATCH", `v1/cards/${card.id}`, fields.values()));
    if (!now) return;
    this.#changed(now);
    this.dialog.close();
  }

  /**
   * Moves the file to the trash, after telling what would miss it.
   * @param {CardDetails} card
   * @param {HTMLButtonElement} button
   */
  async #discard(card, button) {
    const use = await this.#attempt(() => ask("GET", `v1/cards/${card.id}/use`));
    if (!use) return;
    this.message.textContent = use.sentence;
    button.textContent = "Move it anyway";
    button.onclick = async () => {
      const gone = await this.#attempt(() => ask("DELETE", `v1/cards/${card.id}`));
      if (!gone) return;
      await readTrash();
      this.#changed(null, gone);
      this.dialog.close();
    };
  }
}

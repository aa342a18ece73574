// A page of cards of one kind: the tools, folders, and the list.
import { make } from "../controls.js";
import { ask, messageOf } from "../server.js";
import { find } from "../dom.js";
import { drawCard, markUsed } from "./card.js";
import { edit } from "./details.js";
import { chooseModel } from "./choosing.js";
import { folderTree } from "./folders.js";
import { Grid } from "./grid.js";
import { isUsed, tabsUsing, takeOut, toggle } from "./prompt.js";
import { Toolbar } from "./toolbar.js";
import { restore } from "./trash.js";

const SIZE = { width: 150, height: 206 };
/** @type {Record<string, string>} */
const EMPTY = {
  lora: "No LoRA yet. Drop files or Civitai links anywhere on this page, or put files into models/Lora.",
  embedding: "No embedding yet. Drop files or Civitai links anywhere on this page, or put files into embeddings.",
  hypernetwork: "No hypernetwork yet. Drop files anywhere on this page, or put them into models/hypernetworks.",
  checkpoint: "No checkpoint yet. Drop one anywhere on this page, or put it into models/Stable-diffusion.",
};
const OTHERS = "What there is here is for other models than the selected checkpoint, and hidden.";

/** @import { Kept } from "./toolbar.js" */

export class CardPanel {
  #tab;
  #kind;
  #key;
  #folder = "";
  /** @type {string | null} */
  #version = null;
  /** What is said before anything else. @type {(Node | string)[] | null} */
  #note = null;

  /**
   * @param {Tab} tab
   * @param {string} page
   * @param {ModelKind} kind
   * @param {string} label
   */
  constructor(tab, page, kind, label) {
    this.#tab = tab;
    this.#kind = kind;
    this.#key = `atelier.cards.${kind}`;
    // What is shown because of one look at Civitai is not wanted at the next visit.
    this.kept = /** @type {Kept} */ ({ ...JSON.parse(localStorage.getItem(this.#key) ?? "{}"), newer: false });
    this.grid = new Grid((offset, limit) => this.#ask(offset, limit), (card) => this.#draw(card), SIZE, label);
    this.grid.ground.id = `${tab}_${page}_cards`;
    this.grid.ground.classList.add("extra-network-cards");
    this.message = make("p", { className: "cards-message hint", attributes: { role: "status" } });
    this.tree = make("div", { className: "cards-folders" });
    this.tools = new Toolbar(`${tab}_${page}`, kind, label, this.kept, {
      search: () => this.reload({ stay: false }),
      keep: (change) => this.#keep(change),
      scan: () => this.#scan(),
      inquire: (what) => window.webui.inquire(what, this.#question(), label, () => this.#keep({ newer: true })),
      restored: () => window.webui.cardsChanged(),
    });
    this.search = this.tools.search;
    this.element = make(
      "div",
      { className: "cards-page", id: `${tab}_${page}` },
      this.tools.element,
      this.message,
      make("div", { className: "cards-body" }, this.tree, this.grid.element),
    );
    // The list marks what the prompt uses.
    for (const name of ["prompt", "neg_prompt"]) {
      find(`#${tab}_${name} textarea`)?.addEventListener("input", () => this.#mark());
    }
  }

  /** Shows what there is. */
  open() {
    if (this.#version === null) void this.reload();
    else this.#mark();
  }

  /**
   * Looks for a text; with `all` also among what is for other models, until the page is loaded anew.
   * @param {string} query
   * @param {{all?: boolean}} [options]
   */
  look(query, { all = false } = {}) {
    this.search.value = query;
    if (all) this.kept.all = true;
    this.#folder = "";
    void this.reload({ stay: false });
  }

  /**
   * Asks the server again; the artist stays where they are unless the question changed.
   * @param {{stay?: boolean}} [options]
   */
  async reload({ stay = true } = {}) {
    if (!stay) this.#note = null;
    try {
      const answer = await this.grid.load({ stay: stay && this.#version !== null });
      if (answer) this.#show(answer);
    } catch (error) {
      this.#say(messageOf(error));
    }
  }

  /** @param {CardPage} answer */
  #show({ total, hidden, newer, unread, folders, version }) {
    this.#version = version;
    const asked = this.search.value || this.#folder || this.kept.favourites || this.kept.newer;
    const none = total ? "" : hidden ? OTHERS : asked ? "Nothing fits that search." : EMPTY[this.#kind];
    this.#say(unread ? `Looking at ${unread.toLocaleString()} new model files; those that fit appear here.` : none);
    this.tools.show({ hidden, newer });
    this.tree.replaceChildren(
      ...folderTree(folders, this.#folder, (folder) => {
        this.#folder = folder;
        void this.reload({ stay: false });
      }),
    );
    this.tree.hidden = !folders.some(({ path }) => path);
  }

  /** @param {string} sentence */
  #say(sentence) {
    const shown = [...(this.#note ?? []), ...(sentence ? [` ${sentence}`] : [])];
    this.message.replaceChildren(...shown);
    this.message.hidden = !shown.length;
  }

  /** @param {Kept} change */
  #keep(change) {
    Object.assign(this.kept, change);
    localStorage.setItem(this.#key, JSON.stringify(this.kept));
    void this.reload({ stay: false });
  }

  /** What the list shows, as the server is asked for it. */
  #question() {
    return {
      kind: this.#kind,
      q: this.search.value.trim(),
      folder: this.#folder,
      favourites: Boolean(this.kept.favourites),
      newer: Boolean(this.kept.newer),
      fitting: this.#kind !== "checkpoint" && !this.kept.all,
    };
  }

  /**
   * @param {number} offset
   * @param {number} limit
   */
  #ask(offset, limit) {
    const order = { sort: this.kept.order ?? "name", descending: Boolean(this.kept.descending) };
    const question = Object.entries({ ...this.#question(), ...order, offset, limit });
    const texts = question.map(([name, value]) => [name, String(value)]);
    return ask("GET", `v1/cards?${new URLSearchParams(texts)}`);
  }

  async #scan() {
    this.#say("Looking for files …");
    try {
      await ask("POST", "v1/cards/scan");
      await this.reload();
    } catch (error) {
      this.#say(messageOf(error));
    }
  }

  /** @param {Card} card */
  #draw(card) {
    return drawCard(card, {
      use: (chosen, element) => this.#use(chosen, element),
      edit: (chosen) => this.#edit(chosen),
      favour: (chosen) => this.#favour(chosen),
      isUsed: (shown) => this.#isUsed(shown),
    });
  }

  /** @param {Card} card */
  async #edit(card) {
    await edit(card, this.#tab, (changed, trashed) => {
      if (changed) return this.grid.change(changed);
      if (trashed) this.#offerUndo(trashed, card);
      window.webui.cardsChanged();
    });
    // The card may have been drawn anew meanwhile, and then the browser finds no way back.
    if (document.activeElement === document.body) this.grid.focus(card.id);
  }

  /**
   * @param {Trashed} trashed
   * @param {Card} card
   */
  #offerUndo({ id, name }, card) {
    const link = (/** @type {string} */ textContent, /** @type {() => void} */ onclick) =>
      make("button", { type: "button", className: "cards-link", textContent, onclick });
    const undo = link("Undo", async () => {
      this.#note = null;
      try {
        await restore(id);
        window.webui.cardsChanged();
      } catch (error) {
        this.#say(messageOf(error));
      }
    });
    const inTrash = [`${name} is in the trash. `, undo];
    const remove = link("Remove it from the prompt", () => {
      takeOut(card);
      this.#note = [...inTrash, " It was removed from the prompt; Ctrl+Z there brings it back."];
      this.#say("");
    });
    this.#note = tabsUsing(card).length ? [...inTrash, " It still stands in the prompt. ", remove] : inTrash;
  }

  /** @param {Card} card */
  #isUsed(card) {
    if (this.#kind === "checkpoint") return find("#setting_sd_model_checkpoint input")?.value === card.title;
    return isUsed(this.#tab, card);
  }

  /**
   * @param {Card} card
   * @param {HTMLElement} element
   */
  async #use(card, element) {
    if (card.reason) return this.#say(card.reason);
    if (this.#kind !== "checkpoint") return markUsed(element, toggle(this.#tab, card));
    element.classList.add("loading");
    await chooseModel("sd_model_checkpoint", card.title);
    element.classList.remove("loading");
    this.#mark();
  }

  #mark() {
    if (this.element.hidden) return;
    this.grid.each((element, card) => markUsed(element, this.#isUsed(card)));
  }

  /** @param {Card} card */
  async #favour(card) {
    try {
      this.grid.change(await ask("PATCH", `v1/cards/${card.id}`, { favourite: !card.favourite }));
    } catch (error) {
      this.#say(messageOf(error));
    }
  }
}

// A page of cards of one kind: search, order, folders, favourites, and the list.
import { iconButton, make } from "../controls.js";
import { ask } from "../server.js";
import { find } from "../dom.js";
import { drawCard } from "./card.js";
import { edit } from "./details.js";
import { chooseModel } from "./choosing.js";
import { folderTree } from "./folders.js";
import { Grid } from "./grid.js";
import { stands, toggle } from "./prompt.js";

const SIZE = { width: 150, height: 206 };
const TYPING_MS = 120;
const ORDERS = { name: "Name", modified: "Date", size: "Size", family: "Family" };
const EMPTY = {
  lora: "No LoRA yet. Drop files or Civitai links anywhere on this page, or put files into models/Lora.",
  embedding: "No embedding yet. Drop files or Civitai links anywhere on this page, or put files into embeddings.",
  hypernetwork: "No hypernetwork yet. Drop files anywhere on this page, or put them into models/hypernetworks.",
  checkpoint: "No checkpoint yet. Drop one anywhere on this page, or put it into models/Stable-diffusion.",
};

export class Panel {
  #tab;
  #kind;
  #key;
  #folder = "";
  #version = null;
  #typing = 0;

  constructor(tab, page, kind, label) {
    this.#tab = tab;
    this.#kind = kind;
    this.#key = `atelier.cards.${kind}`;
    this.kept = JSON.parse(localStorage.getItem(this.#key) ?? "{}");
    this.grid = new Grid((offset, limit) => this.#ask(offset, limit), (card) => this.#draw(card), SIZE);
    this.grid.ground.id = `${tab}_${page}_cards`;
    this.grid.ground.classList.add("extra-network-cards");
    this.message = make("p", { className: "cards-message hint", attributes: { role: "status" } });
    this.tree = make("div", { className: "cards-folders" });
    this.element = make(
      "div",
      { className: "cards-page", id: `${tab}_${page}`, attributes: { role: "tabpanel", "aria-label": label } },
      this.#toolbar(page, label),
      this.message,
      make("div", { className: "cards-body" }, this.tree, this.grid.element),
    );
    // The list marks what the prompt uses.
    for (const name of ["prompt", "neg_prompt"]) {
      find(`#${tab}_${name} textarea`)?.addEventListener("input", () => this.#mark());
    }
  }

  #toolbar(page, label) {
    this.search = make("input", {
      type: "search",
      id: `${this.#tab}_${page}_extra_search`,
      placeholder: `Search ${label}`,
      attributes: { "aria-label": `Search ${label}` },
    });
    this.search.addEventListener("input", () => {
      clearTimeout(this.#typing);
      this.#typing = setTimeout(() => this.reload({ stay: false }), TYPING_MS);
    });
    this.order = make("select", { title: "Order", attributes: { "aria-label": "Order" } });
    for (const [value, words] of Object.entries(ORDERS)) this.order.append(
      make("option", { value, textContent: words }),
    );
    this.order.value = this.kept.order ?? "name";
    this.order.addEventListener("change", () => this.#keep({ order: this.order.value }));
    this.direction = iconButton(
      "direction",
      "Turn the order round",
      () => this.#keep({ descending: !this.kept.descending }),
    );
    this.favourites = iconButton("star", "Favourites only", () => this.#keep({ favourites: !this.kept.favourites }));
    this.fitting = make("button", {
      type: "button",
      className: "cards-fitting",
      onclick: () => this.#keep({ all: !this.kept.all }),
    });
    const refresh = iconButton("refresh", "Look for files again", () => this.#scan());
    refresh.id = `${this.#tab}_${page}_extra_refresh`;
    return make(
      "div",
      { className: "cards-toolbar" },
      this.search,
      this.order,
      this.direction,
      this.favourites,
      refresh,
      make(
        "button",
        { type: "button", className: "cards-add", textContent: "Add …", onclick: () => window.webui.addModels() },
      ),
      make("button", {
        type: "button",
        className: "cards-add",
        textContent: "Civitai …",
        title: "Search Civitai",
        onclick: () => window.webui.searchModels(this.#kind, this.search.value),
      }),
      this.fitting,
    );
  }

  /** Shows what there is. */
  open() {
    if (this.#version === null) this.reload();
  }

  /** Looks for a text. */
  look(query) {
    this.search.value = query;
    this.#folder = "";
    this.reload({ stay: false });
  }

  /** Asks the server again; the artist stays where they are unless the question changed. */
  async reload({ stay = true } = {}) {
    this.direction.classList.toggle("on", Boolean(this.kept.descending));
    this.favourites.classList.toggle("on", Boolean(this.kept.favourites));
    try {
      const answer = await this.grid.load({ stay: stay && this.#version !== null });
      if (answer) this.#show(answer);
    } catch (error) {
      this.#say(error.message);
    }
  }

  #show({ total, hidden, unread, folders, version }) {
    this.#version = version;
    const asked = this.search.value || this.#folder || this.kept.favourites;
    const none = total ? "" : asked ? "Nothing fits that search." : hidden ? "" : EMPTY[this.#kind];
    this.#say(unread ? `Looking at ${unread.toLocaleString()} new model files; those that fit appear here.` : none);
    this.fitting.hidden = !hidden && !this.kept.all;
    this.fitting.textContent = this.kept.all
      ? "Hide those for other models"
      : `${hidden} for other models hidden: show`;
    this.tree.replaceChildren(
      ...folderTree(folders, this.#folder, (folder) => {
        this.#folder = folder;
        this.reload({ stay: false });
      }),
    );
    this.tree.hidden = !folders.some(({ path }) => path);
  }

  #say(sentence) {
    this.message.textContent = sentence;
    this.message.hidden = !sentence;
  }

  #keep(change) {
    Object.assign(this.kept, change);
    localStorage.setItem(this.#key, JSON.stringify(this.kept));
    this.reload({ stay: false });
  }

  #ask(offset, limit) {
    const question = new URLSearchParams({
      kind: this.#kind,
      q: this.search.value.trim(),
      folder: this.#folder,
      favourites: this.kept.favourites ? "1" : "0",
      sort: this.kept.order ?? "name",
      descending: this.kept.descending ? "1" : "0",
      offset,
      limit,
    });
    if (this.#kind !== "checkpoint" && !this.kept.all) question.set("fitting", "1");
    return ask("GET", `v1/cards?${question}`);
  }

  async #scan() {
    this.#say("Looking for files …");
    try {
      await ask("POST", "v1/cards/scan");
      await this.reload();
    } catch (error) {
      this.#say(error.message);
    }
  }

  #draw(card) {
    return drawCard(card, {
      use: (chosen, element) => this.#use(chosen, element),
      edit: (chosen) => edit(chosen, this.#tab, (changed) => (changed ? this.grid.change(changed) : this.reload())),
      favour: (chosen) => this.#favour(chosen),
      isUsed: (shown) => this.#isUsed(shown),
    });
  }

  #isUsed(card) {
    if (this.#kind === "checkpoint") return find("#setting_sd_model_checkpoint input")?.value === card.title;
    return stands(this.#tab, card.insert) || (!card.insert && stands(this.#tab, card.insert_negative, true));
  }

  async #use(card, element) {
    if (card.reason) return this.#say(card.reason);
    if (this.#kind !== "checkpoint") return element.classList.toggle("used", toggle(this.#tab, card));
    element.classList.add("loading");
    await chooseModel("sd_model_checkpoint", card.title);
    element.classList.remove("loading");
    this.#mark();
  }

  #mark() {
    if (this.element.hidden) return;
    this.grid.each((element, card) => element.classList.toggle("used", this.#isUsed(card)));
  }

  async #favour(card) {
    try {
      this.grid.change(await ask("PATCH", `v1/cards/${card.id}`, { favourite: !card.favourite }));
    } catch (error) {
      this.#say(error.message);
    }
  }
}

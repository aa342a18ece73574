// The tools over a page of cards: search, order, what is shown, and where cards come from.
import { iconButton, make } from "../controls.js";
import { menuButton } from "../menu.js";
import { openTrash, readTrash } from "./trash.js";

const ORDERS = { name: "Name", modified: "Date", size: "Size", family: "Family" };

/**
 * What the artist chose for a list: order, direction, favourites only, those for other models too, newer ones only.
 * @typedef {{order?: string, descending?: boolean, favourites?: boolean, all?: boolean, newer?: boolean}} Kept
 * @typedef {{
 *   search: () => void,
 *   keep: (change: Kept) => void,
 *   scan: () => void,
 *   inquire: (what: "describe" | "updates") => void,
 *   restored: () => void,
 * }} ToolbarActions
 */

export class Toolbar {
  /**
   * `kept` are the choices; `actions` are search(), keep(change), scan(), inquire(what) and restored().
   * @param {string} id
   * @param {ModelKind} kind
   * @param {string} label
   * @param {Kept} kept
   * @param {ToolbarActions} actions
   */
  constructor(id, kind, label, kept, actions) {
    this.kept = kept;
    this.search = make("input", {
      type: "search",
      id: `${id}_extra_search`,
      placeholder: `Search ${label}`,
      attributes: { "aria-label": `Search ${label}` },
      oninput: () => actions.search(),
    });
    this.order = make("select", {
      title: "Order",
      attributes: { "aria-label": "Order" },
      onchange: () => actions.keep({ order: this.order.value }),
    });
    this.order.append(...Object.entries(ORDERS).map(([value, words]) => make("option", { value, textContent: words })));
    this.order.value = kept.order ?? "name";
    const switches = (/** @type {keyof Kept} */ name) => actions.keep({ [name]: !kept[name] });
    this.direction = iconButton("direction", "Reverse the order", () => switches("descending"));
    this.favourites = iconButton("star", "Favourites only", () => switches("favourites"));
    const refresh = iconButton("refresh", "Look for files again", () => actions.scan());
    refresh.id = `${id}_extra_refresh`;
    const plain = (/** @type {string} */ words, /** @type {string} */ title, /** @type {() => unknown} */ action) =>
      make("button", { type: "button", className: "cards-add", textContent: words, title, onclick: action });
    this.trash = plain("Trash", "Deleted files, which can be restored", () => openTrash(() => actions.restored()));
    this.fitting = make("button", { type: "button", className: "cards-link cards-fitting", onclick: () => switches("all") });
    this.newer = make("button", { type: "button", className: "cards-link cards-newer", onclick: () => switches("newer") });
    this.element = make(
      "div",
      { className: "cards-toolbar", id: `${id}_controls` },
      this.search,
      this.order,
      this.direction,
      this.favourites,
      refresh,
      plain("Add …", "Files or links", () => window.webui.addModels()),
      menuButton("Civitai", "Search Civitai, and ask it about the files here", () => [
        { words: "Search …", action: () => window.webui.searchModels(kind, this.search.value) },
        {
          words: "Fetch previews and trigger words",
          hint: "Asks Civitai, by their hashes, about the cards of this list that have none",
          action: () => actions.inquire("describe"),
        },
        {
          words: "Look for updates",
          hint: "Asks Civitai for newer versions of the cards of this list",
          action: () => actions.inquire("updates"),
        },
        { words: "Keys …", hint: "For Civitai and Hugging Face", action: () => window.webui.openKeys() },
      ]),
      this.trash,
      this.fitting,
      this.newer,
    );
    addEventListener("trash", ({ detail }) => this.#countTrash(detail));
    void readTrash();
  }

  /**
   * Shows the choices, and what the server says of the list.
   * @param {{hidden: number, newer: number}} [counts]
   */
  show({ hidden, newer } = { hidden: 0, newer: 0 }) {
    const { kept } = this;
    this.direction.classList.toggle("on", Boolean(kept.descending));
    this.favourites.classList.toggle("on", Boolean(kept.favourites));
    this.direction.setAttribute("aria-pressed", String(Boolean(kept.descending)));
    this.favourites.setAttribute("aria-pressed", String(Boolean(kept.favourites)));
    this.fitting.hidden = !hidden && !kept.all;
    this.fitting.textContent = kept.all ? "Hide those for other models" : `${hidden} for other models hidden: show`;
    this.newer.hidden = !newer && !kept.newer;
    this.newer.textContent = kept.newer ? "Show all again" : `${newer} with a newer version: show`;
  }

  /** @param {number} count */
  #countTrash(count) {
    this.trash.textContent = count ? `Trash ${count.toLocaleString()}` : "Trash";
  }
}

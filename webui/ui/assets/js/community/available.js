// The page "Available": the public list of extensions, fetched only when asked for.
import { make } from "../controls.js";
import { button } from "../dialogs.js";
import { counted } from "./consent.js";
import { choose, countTags, dayOf, keyOf, ORDERS } from "./listing.js";
import { nativeNote } from "./native.js";
import { community } from "./requests.js";

/** @typedef {import("./installing.js").Installing} Installing */
/** @typedef {import("../training/notice.js").Notice} Notice */

const MOST_AT_ONCE = 60;
// Hidden by A1111 unless asked for.
const HIDDEN = ["localization", "installed", "ads"];

export class Available {
  /** @type {ExtensionIndex | null} */
  #index = null;
  /** @type {Set<string>} */
  #installed = new Set();
  #hidden = new Set(HIDDEN);
  #most = MOST_AT_ONCE;
  #mayChange = true;

  /** @param {Installing} installing @param {Notice} notice */
  constructor(installing, notice) {
    this.installing = installing;
    this.notice = notice;
    this.url = make("input", { type: "url", id: "available_url", placeholder: "The usual public list", autocomplete: "off", spellcheck: false });
    this.file = make("input", { type: "file", accept: ".json,application/json", hidden: true, onchange: () => void this.#takeFile() });
    this.loadButton = button("Load", () => this.#load(() => community.fetchIndex(this.url.value)), { className: "primary" });
    this.search = make("input", { type: "search", id: "available_search", placeholder: "Search", oninput: () => this.#draw(), attributes: { "aria-label": "Search extensions" } });
    this.order = make("select", { id: "available_order", onchange: () => this.#draw(), attributes: { "aria-label": "Order" } },
      ...Object.entries(ORDERS).map(([value, { words }]) => make("option", { value, textContent: words })));
    this.tags = make("fieldset", { className: "community-tags", attributes: { "aria-label": "Hide by tag" } });
    this.count = make("p", { className: "hint", attributes: { role: "status" } });
    this.list = make("ul", { className: "community-list" });
    this.more = button("Show more", () => {
      this.#most += 200;
      this.#draw(true);
    });
    this.tools = make("div", { className: "community-tools", hidden: true },
      make("div", { className: "community-bar" }, this.search, this.order),
      make("details", { className: "community-fold" }, make("summary", { textContent: "Hide by tag" }), this.tags), this.count);
    this.source = make("form", { className: "community-bar", onsubmit: (event) => {
      event.preventDefault();
      this.loadButton.click();
    } }, make("label", { htmlFor: this.url.id, textContent: "List" }), this.url, this.loadButton, button("From a file", () => this.file.click()), this.file);
    this.hint = make("p", { className: "community-none", textContent: "Nothing is asked of anybody until you press Load. The list is then kept on this machine." });
    this.element = make("div", { id: "extensions_available" }, this.source, this.hint, this.tools, this.list, this.more);
    this.more.hidden = true;
  }

  /** @param {CommunityState} state */
  show({ extensions, refusal }) {
    this.#installed = new Set(extensions.filter(({ url }) => url).map(({ url }) => keyOf(url)));
    this.#mayChange = !refusal;
    this.source.hidden = Boolean(refusal);
    if (this.#index) this.#draw(true);
  }

  /** The list that is on disk, if there is one. */
  async begin() {
    const kept = await community.keptIndex().catch(() => null);
    if (kept) this.#take(kept);
  }

  /** @param {() => Promise<ExtensionIndex>} fetching */
  async #load(fetching) {
    this.loadButton.disabled = true;
    this.notice.say("Loading the list …");
    try {
      this.#take(await fetching());
      this.notice.clear();
    } catch (error) {
      this.notice.fail(error, button("Try again", () => this.#load(fetching)));
    } finally {
      this.loadButton.disabled = false;
    }
  }

  async #takeFile() {
    const [file] = this.file.files ?? [];
    if (file) await this.#load(() => community.sendIndex(file));
    this.file.value = "";
  }

  /** @param {ExtensionIndex} index */
  #take(index) {
    this.#index = index;
    this.hint.textContent = `${counted(index.extensions.length, "extension")} in the list of ${dayOf(index.read)}${index.left_out ? `; ${index.left_out} made no sense and were left out` : ""}.`;
    this.tools.hidden = false;
    const tags = [["installed", index.extensions.filter(({ url }) => this.#installed.has(keyOf(url))).length], ...countTags(index.extensions).filter(([tag]) => tag !== "installed")];
    this.tags.replaceChildren(...tags.map(([tag, count], at) => {
      const name = String(tag);
      const input = make("input", { type: "checkbox", id: `available_tag_${at}`, checked: this.#hidden.has(name) });
      input.onchange = () => {
        this.#hidden[input.checked ? "add" : "delete"](name);
        this.#draw();
      };
      return make("span", { className: "community-tick", title: index.tags[name] ?? "" }, input, make("label", { htmlFor: input.id }, name, " ", make("span", { className: "hint", textContent: String(count) })));
    }));
    this.#draw();
  }

  #draw(keepsPlace = false) {
    if (!this.#index) return;
    if (!keepsPlace) this.#most = MOST_AT_ONCE;
    const wishes = { search: this.search.value, order: this.order.value, hidden: this.#hidden };
    const shown = choose(this.#index.extensions, wishes, this.#installed);
    this.list.replaceChildren(...shown.slice(0, this.#most).map((entry) => this.#row(entry)));
    this.count.textContent = shown.length ? `${counted(shown.length, "extension")} shown` : "Nothing matches. Search for something else, or hide fewer tags.";
    this.more.hidden = shown.length <= this.#most;
  }

  /** @param {IndexEntry} entry */
  #row(entry) {
    const { name, url, description, tags, added, updated, stars, native } = entry;
    const isInstalled = this.#installed.has(keyOf(url));
    const dates = [added ? `added ${dayOf(added)}` : "", updated ? `updated ${dayOf(updated)}` : "", stars === null ? "" : `★ ${stars.toLocaleString("en")}`].filter(Boolean).join(" · ");
    const install = button("Install", () => void this.installing.install(name, { url }), { className: "primary" });
    install.setAttribute("aria-label", `Install ${name}`);
    return make("li", { className: "community-row", attributes: { "data-url": url } },
      make("div", { className: "community-row-head" },
        make("strong", { className: "community-name", textContent: name }),
        ...(native ? [make("span", { className: "community-chip", textContent: native.opens ? "here already" : "cannot work here" })] : []),
        make("span", { className: "gap" }),
        ...(isInstalled ? [make("span", { className: "community-chip good", textContent: "installed" })] : this.#mayChange ? [install] : [])),
      ...(description ? [make("p", { className: "community-about", textContent: description })] : []),
      make("div", { className: "community-row-facts" },
        ...tags.map((tag) => make("span", { className: "community-tag", textContent: tag })),
        make("span", { className: "hint", textContent: dates }), make("a", { href: url, target: "_blank", rel: "noopener noreferrer", textContent: "its page", title: `The page of ${name}` })),
      ...(native ? [nativeNote(native)] : []));
  }
}

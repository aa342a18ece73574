// The tab "Extensions": installed, available, install from URL, backup and restore. Loaded when it is first shown.
import { make } from "../controls.js";
import { button } from "../dialogs.js";
import { appears, isShown, onChange } from "../dom.js";
import { restartButton } from "../restart.js";
import { connect, markChosen } from "../strip.js";
import { Notice } from "../training/notice.js";
import { Available } from "./available.js";
import { FromUrl } from "./from_url.js";
import { Installed } from "./installed.js";
import { Installing } from "./installing.js";
import { community } from "./requests.js";
import { Sets } from "./sets.js";

/** @type {[name: string, words: string][]} */
const PAGES = [["installed", "Installed"], ["available", "Available"], ["from_url", "Install from URL"], ["sets", "Backup/Restore"]];

class ExtensionsPage {
  constructor() {
    this.notice = new Notice();
    this.refusal = make("div", { className: "notice-box warning", hidden: true });
    this.restart = make("div", { className: "notice-box restart-notice", hidden: true },
      make("span", { textContent: "Restart the server to load what was changed here." }), restartButton());
    this.installing = new Installing(this.notice, () => this.refresh());
    this.installed = new Installed(this.installing, this.notice, () => this.refresh());
    this.available = new Available(this.installing, this.notice);
    this.fromUrl = new FromUrl(this.installing, () => this.choose("installed"));
    this.sets = new Sets(this.installing, this.notice, () => this.refresh());
    /** @type {Record<string, HTMLElement>} */
    this.pages = {
      installed: this.installed.element, available: this.available.element, from_url: this.fromUrl.element, sets: this.sets.element,
    };
    this.strip = make("div", { className: "tab-nav", attributes: { role: "tablist", "aria-label": "Extensions" } });
    for (const [name, words] of PAGES) {
      const tab = make("button", { type: "button", textContent: words, onclick: () => this.choose(name), attributes: { role: "tab", "data-page": name } });
      connect(tab, this.pages[name]);
      this.strip.append(tab);
    }
    this.elements = [
      make("div", { id: "tabs_extensions", className: "extra-tabs" }, this.strip),
      make("div", { className: "community-notices" }, this.refusal, this.restart, this.installing.progress.element, this.notice.element),
      ...Object.values(this.pages),
    ];
  }

  /** @param {string} name */
  choose(name) {
    markChosen(this.strip, ({ dataset }) => dataset.page === name);
    for (const [other, page] of Object.entries(this.pages)) page.hidden = other !== name;
    if (name === "sets") {
      void this.sets.showLog();
      void this.sets.plan();
    }
  }

  async refresh() {
    try {
      const state = await community.look();
      this.refusal.hidden = !state.refusal;
      this.refusal.textContent = state.refusal;
      this.restart.hidden = !state.needs_restart;
      for (const page of [this.installed, this.available, this.fromUrl]) page.show(state);
    } catch (error) {
      this.notice.fail(error, button("Try again", () => this.refresh()));
    }
  }
}

const place = await appears("#extensions_place");
const page = new ExtensionsPage();
place.replaceChildren(...page.elements);
page.choose("installed");
await Promise.all([page.refresh(), page.installed.showTrash(), page.available.begin()]);
place.dataset.ready = "";
const panel = await appears("#tab_extensions");
onChange(panel, () => {
  if (isShown(panel)) void page.refresh();
}, { attributes: true, attributeFilter: ["style"] });

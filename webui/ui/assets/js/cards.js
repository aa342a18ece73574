// A1111's strip between the prompts and the form: Generation, and a page of cards for each kind of model file.
import { find, appears, publish } from "./dom.js";
import { make } from "./controls.js";
import { connect, markChosen } from "./strip.js";
import { CardPanel } from "./cards/panel.js";
import { listenForFiles } from "./cards/looking.js";
import { followPrompts } from "./cards/prompt.js";

// Kinds by A1111's names of their pages, which its element ids contain.
/** @type {Record<string, [kind: ModelKind, label: string]>} */
const KINDS = {
  textual_inversion: ["embedding", "Textual Inversion"],
  hypernetworks: ["hypernetwork", "Hypernetworks"],
  checkpoints: ["checkpoint", "Checkpoints"],
  lora: ["lora", "Lora"],
};
/** @typedef {{element: HTMLElement, open?: () => void}} AddedPage */
const pages = /** @type {Map<Tab, {choose: (name: string) => void, panels: Map<string, CardPanel>, prepare: () => void, add: (name: string, label: string, page: AddedPage) => void}>} */ (new Map());

/**
 * @param {Tab} tab
 * @param {HTMLElement} settings
 */
function build(tab, settings) {
  const strip = make("div", { className: "tab-nav", attributes: { role: "tablist", "aria-label": "Fields and cards" } });
  const holder = make("div", { id: `${tab}_extra_tabs`, className: "extra-tabs" }, strip);
  find(`#${tab}_toprow`)?.after(holder);
  const panels = /** @type {Map<string, CardPanel>} */ (new Map());
  const added = /** @type {Map<string, AddedPage>} */ (new Map());
  const panelOf = (/** @type {string} */ name) => {
    const known = panels.get(name);
    if (known) return known;
    const panel = new CardPanel(tab, name, ...KINDS[name]);
    panel.element.hidden = true;
    panels.set(name, panel);
    settings.before(panel.element);
    connect(buttons[name], panel.element);
    return panel;
  };
  const choose = (/** @type {string} */ name) => {
    markChosen(strip, ({ dataset }) => dataset.page === name);
    settings.classList.toggle("behind-cards", name !== "generation");
    const chosen = name === "generation" ? null : (added.get(name) ?? panelOf(name));
    for (const panel of [...panels.values(), ...added.values()]) panel.element.hidden = panel !== chosen;
    chosen?.open?.();
  };
  const labels = Object.entries(KINDS).map(([name, [, label]]) => [name, label]);
  const makeButton = (/** @type {string} */ name, /** @type {string} */ label) => {
    const attributes = { role: "tab", "data-page": name };
    return make("button", { type: "button", textContent: label, onclick: () => choose(name), attributes });
  };
  const named = [["generation", "Generation"], ...labels];
  const buttons = Object.fromEntries(named.map(([name, label]) => [name, makeButton(name, label)]));
  strip.append(...Object.values(buttons));
  connect(buttons.generation, settings);
  choose("generation");
  const prepare = () => Object.keys(KINDS).forEach(panelOf);
  const add = (/** @type {string} */ name, /** @type {string} */ label, /** @type {AddedPage} */ page) => {
    const button = makeButton(name, label);
    page.element.hidden = true;
    added.set(name, page);
    settings.before(page.element);
    strip.append(button);
    connect(button, page.element);
    choose("generation");
  };
  pages.set(tab, { choose, panels, prepare, add });
}

/**
 * Puts all pages of cards of a tab into the page, shown or not: scripts of extensions look for them at the start.
 * @param {Tab} tab
 */
function prepareCards(tab) {
  pages.get(tab)?.prepare();
}

/**
 * Adds a page beside those of the models' kinds, such as one of an extension's own cards.
 * @param {Tab} tab
 * @param {string} name of no other page
 * @param {string} label
 * @param {AddedPage} page `open` is called each time it is shown
 */
function addCardPage(tab, name, label, page) {
  pages.get(tab)?.add(name, label, page);
}

/**
 * Shows a page of cards by the kind of its files, such as "lora", in a tab, and looks for one of them.
 * @param {Tab} tab
 * @param {ModelKind} kind
 * @param {string} [query]
 * @param {{all?: boolean}} [options] `all` shows what is for other models, too
 */
function showCards(tab, kind, query = "", options = {}) {
  const page = Object.keys(KINDS).find((name) => KINDS[name][0] === kind);
  if (!page) return;
  pages.get(tab)?.choose(page);
  pages.get(tab)?.panels.get(page)?.look(query, options);
}

/** Says that files came or went: pages that are open show it. */
function cardsChanged() {
  for (const { panels } of pages.values()) for (const panel of panels.values()) void panel.reload();
}

/**
 * Says that one card is another now.
 * @param {Card} card
 */
function cardChanged(card) {
  for (const { panels } of pages.values()) for (const panel of panels.values()) panel.grid.change(card);
}

// Before anything is waited for: what is dropped onto a page that is still being drawn asks for these.
publish({ showCards, prepareCards, addCardPage, cardsChanged, cardChanged });
for (const tab of ["txt2img", "img2img"]) {
  const settings = await appears(`#${tab}_settings`);
  followPrompts(tab);
  build(tab, settings);
}
listenForFiles(cardsChanged);

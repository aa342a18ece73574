// Extensions' parts of the form: an accordion for each, the list "Script", and their own files. See parts/README.md.
import { appears, find, type } from "./dom.js";
import { make } from "./controls.js";
import { address, ask } from "./server.js";
import { Accordion } from "./parts/accordion.js";
import { Store } from "./parts/store.js";

/** @type {Tab[]} */
const TABS = ["txt2img", "img2img"];
const drawers = /** @type {Map<string, PartDrawer>} */ (new Map());
const stores = /** @type {Map<Tab, Store>} */ (new Map());
const accordions = /** @type {Map<string, Accordion>} */ (new Map());
const selects = /** @type {Map<Tab, HTMLSelectElement>} */ (new Map());
const nameOf = (/** @type {Tab} */ tab, /** @type {string} */ key) => `${tab} ${key}`;

/**
 * @param {string} key
 * @param {PartDrawer} drawer
 */
function registerPart(key, drawer) {
  drawers.set(key, drawer);
  for (const tab of TABS) accordions.get(nameOf(tab, key))?.draw();
}

/** @type {Atelier} */
window.atelier = Object.assign(window.atelier ?? {}, {
  registerPart,
  readPart: (/** @type {Tab} */ tab, /** @type {string} */ key) => stores.get(tab)?.read(key) ?? {},
  setPart: (/** @type {Tab} */ tab, /** @type {string} */ key, /** @type {Record<string, unknown>} */ value) =>
    accordions.get(nameOf(tab, key))?.set(value, true),
  openPart: (/** @type {Tab} */ tab, /** @type {string} */ key) => {
    const accordion = accordions.get(nameOf(tab, key));
    accordion?.open(true);
    accordion?.element.scrollIntoView({ block: "nearest" });
  },
  chooseScript: (/** @type {Tab} */ tab, /** @type {string} */ title) => stores.get(tab)?.choose(title),
});

/**
 * @param {Tab} tab
 * @param {PartsAnswer} answer
 */
async function build(tab, answer) {
  const parts = answer.parts.filter(({ tabs }) => tabs.includes(tab));
  const scripts = answer.scripts.filter(({ key }) => parts.some((part) => part.key === key));
  const panels = panelsOf(tab);
  for (const title of panels.keys()) scripts.push({ title, key: "" });
  if (!parts.length && !scripts.length) return;
  const field = await appears(`#${tab}_extensions textarea`);
  const place = await appears(`#${tab}_script_container`);
  const defaults = Object.fromEntries(parts.map((part) => [part.key, part.defaults]));
  const store = new Store(defaults, (text) => type(field, text));
  stores.set(tab, store);
  const drawn = parts.map((part) => new Accordion(tab, part, store, () => drawers.get(part.key)));
  for (const accordion of drawn) accordions.set(nameOf(tab, accordion.part.key), accordion);
  const plain = drawn.filter(({ part }) => !part.is_script);
  const box = make("div", { id: `${tab}_parts`, className: "parts" }, ...plain.map(({ element }) => element));
  if (scripts.length) box.append(scriptList(tab, scripts, drawn, store));
  place.append(box);
  store.show(field.value);
  openUsed(plain);
}

/**
 * Scripts whose panels the server built, with the id of each panel.
 * @param {Tab} tab
 * @returns {Map<string, string>}
 */
function panelsOf(tab) {
  const listed = find(`#${tab}_panel_scripts .panel-scripts`);
  const text = listed?.dataset.scripts;
  return new Map(text ? Object.entries(JSON.parse(text)) : []);
}

/** Parts that do something, other than they do by themselves, are seen when the page opens. @param {Accordion[]} plain */
function openUsed(plain) {
  for (const accordion of plain) if (accordion.tick.checked && !accordion.reset.hidden) accordion.open(true);
}

/**
 * The list "Script" with the form of the one that is chosen.
 * @param {Tab} tab
 * @param {ScriptInfo[]} scripts
 * @param {Accordion[]} drawn
 * @param {Store} store
 */
function scriptList(tab, scripts, drawn, store) {
  const select = make("select", { id: `${tab}_script_list` },
    make("option", { value: "", textContent: "None" }),
    ...scripts.map(({ title }) => make("option", { value: title, textContent: title })));
  selects.set(tab, select);
  const byKey = new Map(drawn.map((accordion) => [accordion.part.key, accordion]));
  const inside = make("div", { className: "part-script-inside" });
  select.onchange = () => store.choose(select.value);
  const show = () => {
    const chosen = scripts.find(({ title }) => title.toLowerCase() === store.chosen.script.toLowerCase());
    select.value = chosen?.title ?? "";
    for (const [title, id] of panelsOf(tab)) {
      document.getElementById(id)?.classList.toggle("not-chosen", title !== chosen?.title);
    }
    const accordion = byKey.get(chosen?.key ?? "");
    if (inside.firstChild !== (accordion?.element ?? null)) {
      inside.replaceChildren(...(accordion ? [accordion.element] : []));
      accordion?.open(true);
    }
  };
  store.listeners.add(show);
  show();
  const label = make("label", { htmlFor: select.id, textContent: "Script" });
  return make("div", { id: `${tab}_scripts`, className: "part-field part-script" }, label, select, inside);
}

addEventListener("form-change", ({ detail: { key, values } }) => {
  const store = stores.get(key.replace("atelier.", ""));
  if (store && typeof values.extensions === "string") store.show(values.extensions);
});

/** @param {PartsAnswer} answer */
function load({ scripts_of_extensions: scripts, styles }) {
  for (const style of styles) document.head.append(make("link", { rel: "stylesheet", href: address(style).href }));
  for (const script of scripts) document.head.append(make("script", { type: "module", src: address(script).href }));
}

async function begin() {
  const answer = /** @type {PartsAnswer | null} */ (await ask("GET", "v1/parts").catch(() => null));
  if (!answer) return;
  await Promise.all(TABS.map((tab) => build(tab, answer)));
  load(answer);
  document.documentElement.dataset.parts = "ready";
}

void appears("#txt2img_stored .restored").then(begin);

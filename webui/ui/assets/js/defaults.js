// A checkpoint brings its own defaults: choosing one fills in what the artist has not touched.
import { appears, find, isShown, publish, settings } from "./dom.js";
import { make } from "./controls.js";
import { ask } from "./server.js";
import { chooseModel } from "./cards/choosing.js";
import { modelIn } from "./defaults/deciding.js";
import { placeKeepButton, valuesToKeep } from "./defaults/keeping.js";
import { TabDefaults } from "./defaults/tab_defaults.js";

const AUTOMATIC = "Automatic";
const usualSkip = () => settings().CLIP_stop_at_last_layers;
const tabs = new Map(["txt2img", "img2img"].map((tab) => [tab, new TabDefaults(tab, usualSkip)]));
/** Tabs whose form shows what this browser keeps. */
const restored = new Set(/** @type {Tab[]} */ ([]));
/** By tab, the checkpoint whose defaults were asked for last. */
const asked = new Map(/** @type {[Tab, string][]} */ ([]));
// What the row above the tabs shows; empty until it changes: then the server knows.
let chosen = "";

/**
 * Asks what the tab's checkpoint begins with, if that is another one than before.
 * @param {TabDefaults} one
 * @param {{again?: boolean}} [options]
 */
async function look(one, { again = false } = {}) {
  if (!restored.has(one.tab)) return;
  const named = modelIn(one.fields.override_settings);
  const title = named ?? chosen;
  if (asked.get(one.tab) === title && !again) return;
  asked.set(one.tab, title);
  const defaults = await defaultsOf(title);
  // Meanwhile another one may have been chosen.
  if (!defaults || asked.get(one.tab) !== title) return;
  // What came with the name of another checkpoint is to stay as it came.
  one.choose(defaults, { keepAll: named !== null });
  dispatchEvent(new CustomEvent("checkpoint-defaults", { detail: { tab: one.tab, defaults } }));
  offerVae();
}

/** What is being asked for, by checkpoint: both tabs ask at the same time. */
const underWay = /** @type {Map<string, Promise<CheckpointDefaults | null>>} */ (new Map());

/**
 * What a checkpoint begins with, as the server knows it; null where it does not tell.
 * @param {string} title
 */
function defaultsOf(title) {
  const path = `v1/defaults?checkpoint=${encodeURIComponent(title)}`;
  const answer = underWay.get(title) ?? ask("GET", path).catch(() => null).finally(() => underWay.delete(title));
  underWay.set(title, answer);
  return answer;
}

/** @param {TabDefaults} one */
async function begin(one) {
  await appears(`#${one.tab}_stored .restored`);
  restored.add(one.tab);
  await look(one);
}

/**
 * @param {string} option
 * @param {string} title
 */
function modelShown(option, title) {
  if (option === "sd_model_checkpoint" && title) {
    chosen = title;
    for (const one of tabs.values()) void look(one);
  }
  offerVae();
  return [];
}

/**
 * @param {Tab} tab
 * @param {string[]} names
 * @param {unknown[]} values
 */
function fillDefaults(tab, names, values) {
  return tabs.get(tab)?.answer(names, values) ?? values;
}

addEventListener("form-change", ({ detail: { key, values } }) => {
  const one = tabs.get(key.replace("atelier.", ""));
  if (!one) return;
  one.see(values);
  void look(one);
});

function shownVae() {
  return find("#setting_sd_vae input")?.value ?? AUTOMATIC;
}

/** A chip beside the VAE where another one is chosen than the checkpoint's card names. */
function offerVae() {
  const place = find("#setting_sd_vae");
  if (!place) return;
  const vae = currentTab().defaults?.values.vae;
  const isOffered = vae && ![AUTOMATIC, vae].includes(shownVae());
  find(".default-offer", place)?.remove();
  place.classList.toggle("has-default-offer", Boolean(isOffered));
  if (!isOffered) return;
  place.append(make("button", {
    type: "button",
    className: "default-offer",
    textContent: vae,
    title: `The checkpoint's card names ${vae}. Click to let it choose.`,
    attributes: { "aria-label": `Use ${vae}, this checkpoint's default` },
    onclick: () => chooseModel("sd_vae", AUTOMATIC),
  }));
}

/** The tab that is open, or txt2img. @returns {TabDefaults} */
function currentTab() {
  const open = [...tabs.values()].find(({ tab }) => isShown(find(`#${tab}_generate`)));
  return /** @type {TabDefaults} */ (open ?? tabs.get("txt2img"));
}

publish({ modelShown, fillDefaults });
for (const one of tabs.values()) void begin(one);
void placeKeepButton(
  () => {
    const { defaults, fields } = currentTab();
    if (!defaults) return null;
    return { title: defaults.title, values: valuesToKeep(fields, { clipSkip: usualSkip(), vae: shownVae() }) };
  },
  (answer) => {
    const current = currentTab();
    for (const one of tabs.values()) {
      if (one.defaults?.card !== answer.card) continue;
      one.defaults = answer;
      if (one === current) one.settle();
      else one.drawOffers();
    }
  },
  () => tabs.forEach((one) => look(one, { again: true })),
);

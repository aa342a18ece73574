// What became of something that arrived: filed and chosen, already here, read, or refused with a sentence.
import { find, isShown } from "../dom.js";
import { chooseModel } from "../cards/choosing.js";
import { edit } from "../cards/details.js";
import { isInPrompt, tabsUsing, takeOut, toggle } from "../cards/prompt.js";
import { applyPreset } from "../presets/apply.js";
import { fillFromText } from "../put_back.js";
import { ask } from "../server.js";

/** @import { KeptLine, Line, Tray } from "./tray.js" */

/** @type {Record<string, string>} */
const CHOSEN_BY = { checkpoint: "sd_model_checkpoint", vae: "sd_vae" };
const WRITTEN = new Set(["lora", "embedding", "hypernetwork"]);

/** The generation tab that is shown, else txt2img. */
function currentTab() {
  return isShown(find("#tab_img2img")) ? "img2img" : "txt2img";
}

/**
 * Shows what became of a file or a link, and chooses it where it is the only one, unless it came long ago.
 * @param {Arrival[]} arrivals
 * @param {Line} line
 * @param {Tray} tray
 * @param {File | null} file
 * @param {{isNews?: boolean}} [options]
 */
export async function showArrivals(arrivals, line, tray, file, { isNews = true } = {}) {
  const [first, ...others] = arrivals;
  for (const other of others) await show(other, tray.add(other.name), tray, null, false);
  if (first) await show(first, line, tray, file, isNews && !others.length);
  else line.say("There was nothing in it.", "failed");
  window.webui.cardsChanged();
}

/**
 * Tells again what the page before told, with its buttons.
 * @param {KeptLine} kept
 * @param {Tray} tray
 */
export function retell({ title, text, state, about }, tray) {
  const line = tray.add(title);
  if (about?.arrival) void show(about.arrival, line, tray, null, false);
  else if (about?.missing) showMissing(about.missing, line);
  else line.say(text, state);
}

/**
 * @param {Arrival} arrival
 * @param {Line} line
 * @param {Tray} tray
 * @param {File | null} file
 * @param {boolean} alone
 */
async function show(arrival, line, tray, file, alone) {
  line.rename(arrival.name);
  line.say(arrival.sentence, arrival.outcome === "refused" ? "failed" : "done", {
    arrival: { ...arrival, infotext: null, missing: [] },
  });
  if (arrival.outcome === "filed" || arrival.outcome === "duplicate") await showModel(arrival, line, alone);
  else if (arrival.infotext || arrival.outcome === "picture") showPicture(arrival, line, tray, file);
  else if (arrival.outcome === "preset") showPreset(arrival, line, tray);
  else if (arrival.outcome === "styles") {
    for (const tab of ["txt2img", "img2img"]) find(`#refresh_${tab}_styles`)?.click();
  }
}

/**
 * @param {Arrival} arrival
 * @param {Line} line
 * @param {boolean} alone
 */
async function showModel({ kind, title, card, sentence }, line, alone) {
  const tab = currentTab();
  if (alone && CHOSEN_BY[kind]) await chooseModel(CHOSEN_BY[kind], title);
  if (!card) return;
  if (WRITTEN.has(kind) && !card.reason) {
    const fit = await fitOf(card);
    if (!fit.fits) line.tell(`${sentence} ${fit.sentence}`);
    if (alone && !isInPrompt(tab, card.insert)) write(tab, card, line, fit);
    line.offer("Show card", () => window.webui.showCards(tab, kind, card.stem, { all: !fit.fits }), { asks: false });
  }
  const details = () =>
    edit(card, tab, (_, trashed) => {
      if (trashed) showTrashed(trashed, card, line);
      window.webui.cardsChanged();
    });
  line.offer("Details", details, { asks: false });
}

/**
 * Whether a file may be used with the selected checkpoint. What the server cannot tell may be.
 * @param {Card} card
 * @returns {Promise<CardFit>}
 */
function fitOf({ id }) {
  return ask("GET", `v1/cards/${id}/fit`).catch(() => ({ fits: true, sentence: "" }));
}

/**
 * Writes a file that came into the prompt; one for other models only if the artist wants it all the same.
 * @param {Tab} tab
 * @param {Card} card
 * @param {Line} line
 * @param {CardFit} fit
 */
function write(tab, card, line, { fits }) {
  if (fits) return void toggle(tab, card);
  line.tell(`${line.text.textContent} So it was not written into the prompt.`);
  const insert = line.offer("Insert anyway", () => {
    if (!isInPrompt(tab, card.insert)) toggle(tab, card);
    insert.remove();
  });
}

/**
 * @param {Trashed} trashed
 * @param {Card} card
 * @param {Line} line
 */
function showTrashed({ name }, card, line) {
  line.say(`${name} is in the trash.`);
  if (!tabsUsing(card).length) return;
  line.tell(`${name} is in the trash. It still stands in the prompt.`);
  line.offer("Remove it from the prompt", () => {
    takeOut(card);
    line.say(`${name} is in the trash, and out of the prompt. Ctrl+Z there brings it back.`);
  });
}

/**
 * @param {Arrival} arrival
 * @param {Line} line
 * @param {Tray} tray
 */
function showPreset({ added: [name], missing }, line, tray) {
  dispatchEvent(new CustomEvent("presets"));
  line.offer("Apply", async () => {
    const problem = await applyPreset(currentTab(), name);
    if (problem) line.say(problem, "failed");
  });
  for (const model of missing.filter(({ state }) => state !== "here")) showMissing(model, tray.add(model.name), "preset");
}

/**
 * @param {Arrival} arrival
 * @param {Line} line
 * @param {Tray} tray
 * @param {File | null} file
 */
function showPicture({ infotext, missing, name, sentence }, line, tray, file) {
  const tab = currentTab();
  if (infotext) fill(tab, infotext, name, (words) => line.tell(`${sentence} ${words || "The form shows it already."}`));
  if (file?.type.startsWith("image/")) {
    line.offer("To img2img", () => {
      window.webui.showTab("img2img");
      find("#img2img_mode input[value='img2img']")?.click();
      void window.webui.canvasBoards.get("img2img_image")?.take(file);
    }, { asks: false });
  }
  for (const model of missing.filter(({ state }) => state !== "here")) showMissing(model, tray.add(model.name));
}

/**
 * Writes an infotext into a tab's form; `tell` gets what became of it.
 * @param {Tab} tab
 * @param {string} infotext
 * @param {string} from
 * @param {(words: string) => void} tell
 */
function fill(tab, infotext, from, tell) {
  // Where a picture's prompt is not understood, the one that was typed stays.
  const hasNoPrompt = /^(Steps|Negative prompt):/.test(infotext) && infotext.includes(", Not read: ");
  const typed = hasNoPrompt ? find(`#${tab}_prompt textarea`)?.value ?? "" : "";
  fillFromText(tab, hasNoPrompt ? `${typed}\n${infotext}` : infotext, { does: "Filled", from, tell });
}

/**
 * @param {NamedModel} missing
 * @param {Line} line
 * @param {string} [by] what names the model
 */
function showMissing(missing, line, by = "picture") {
  const { name, kind, state, link } = missing;
  const what = state === "other version" ? `is here in another version than this ${by} was made with` : "is not here";
  line.say(`The ${kind ?? "model"} ${name} ${what}.`, "failed", { missing });
  if (link) {
    line.offer("Fetch it", () => {
      line.remove();
      window.webui.fetchLink(link);
    });
  }
}

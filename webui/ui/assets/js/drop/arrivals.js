// What became of something that arrived: filed and chosen, already here, read, or refused with a sentence.
import { find, isShown, type } from "../dom.js";
import { chooseModel } from "../cards/choosing.js";
import { edit } from "../cards/details.js";
import { isInPrompt, toggle } from "../cards/prompt.js";

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
  else if (arrival.outcome === "styles") {
    for (const tab of ["txt2img", "img2img"]) find(`#refresh_${tab}_styles`)?.click();
  }
}

/**
 * @param {Arrival} arrival
 * @param {Line} line
 * @param {boolean} alone
 */
async function showModel({ kind, title, card }, line, alone) {
  const tab = currentTab();
  if (alone && CHOSEN_BY[kind]) await chooseModel(CHOSEN_BY[kind], title);
  if (!card) return;
  if (WRITTEN.has(kind) && !card.reason) {
    if (alone && !isInPrompt(tab, card.insert)) toggle(tab, card);
    line.offer("Show card", () => window.webui.showCards(tab, kind, card.stem), { asks: false });
  }
  const details = () =>
    edit(card, tab, (_, trashed) => {
      if (trashed) line.say(`${trashed.name} is in the trash.`);
      window.webui.cardsChanged();
    });
  line.offer("Details", details, { asks: false });
}

/**
 * @param {Arrival} arrival
 * @param {Line} line
 * @param {Tray} tray
 * @param {File | null} file
 */
function showPicture({ infotext, missing }, line, tray, file) {
  const tab = currentTab();
  if (infotext) fill(tab, infotext);
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
 * Writes an infotext into a tab's form, as A1111's arrow does.
 * @param {Tab} tab
 * @param {string} infotext
 */
function fill(tab, infotext) {
  const box = find(`#${tab}_prompt textarea`);
  // Where a picture's prompt is not understood, the one that was typed stays.
  const hasNoPrompt = /^(Steps|Negative prompt):/.test(infotext) && infotext.includes(", Not read: ");
  const typed = box instanceof HTMLTextAreaElement ? box.value : "";
  type(box, hasNoPrompt ? `${typed}\n${infotext}` : infotext);
  find(tab === "txt2img" ? "#paste" : "#img2img_paste")?.click();
}

/**
 * @param {NamedModel} missing
 * @param {Line} line
 */
function showMissing(missing, line) {
  const { name, kind, state, link } = missing;
  const what = state === "other version" ? "is here in another version than this picture was made with" : "is not here";
  line.say(`The ${kind ?? "model"} ${name} ${what}.`, "failed", { missing });
  if (link) {
    line.offer("Fetch it", () => {
      line.remove();
      window.webui.fetchLink(link);
    });
  }
}

// Questions to Civitai about all cards of a list: how they go, a way to stop them, and what came of them.
import { askForLines, isAbort, messageOf } from "../server.js";

/** @import { Tray } from "./tray.js" */

const KINDS = {
  describe: ["v1/cards/describe", "Previews and trigger words"],
  updates: ["v1/cards/find-updates", "Updates"],
};
/** @type {Record<string, string>} */
const PHASES = { hashing: "Computing the hash of", asking: "Asking Civitai about", filling: "Filling" };
const running = new Set();

/**
 * Asks about a list; `showNewer()` shows the cards of it that have a newer version.
 * @param {"describe" | "updates"} what
 * @param {object} question
 * @param {string} label
 * @param {Tray} tray
 * @param {() => void} showNewer
 */
export async function inquire(what, question, label, tray, showNewer) {
  const [route, title] = KINDS[what];
  if (running.has(what)) return;
  running.add(what);
  const line = tray.add(`${title}: ${label}`);
  const stop = new AbortController();
  line.progress(0, "Starting …");
  line.offer("Stop", () => stop.abort());
  let found = 0;
  try {
    /** @type {AsyncIterable<InquiryProgress>} */
    const steps = askForLines(route, question, stop.signal);
    for await (const step of steps) {
      if (step.described || step.update) found += 1;
      if (step.described) window.webui.cardChanged(step.described);
      if (step.phase === "done") line.say(step.sentence, "done");
      else line.progress(step.share, step.name ? `${PHASES[step.phase]} ${step.name}` : "Asking Civitai …");
    }
  } catch (error) {
    if (isAbort(error)) line.say(`Stopped. ${found} found so far; they stay.`);
    else line.say(messageOf(error), "failed");
  } finally {
    running.delete(what);
  }
  window.webui.cardsChanged();
  if (what === "updates" && found) line.offer("Show them", showNewer, { asks: false });
}

// Reload UI: the server starts anew, and the page with it.
import { make } from "./controls.js";
import { button, dialogButtons, openDialog } from "./dialogs.js";
import { ask, messageOf } from "./server.js";

const WORDS = "Apply and restart UI";
// After so long the page says that it still waits.
const PATIENCE_MS = 60_000;

/**
 * Whether an answer is from a later start of the server than the one with this id.
 * @param {{id: string} | null} answer
 * @param {string} id
 */
export function isLater(answer, id) {
  return answer !== null && answer.id !== id;
}

/** @param {number} ms */
function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * Waits until a later start of the server answers.
 * @param {string} id
 * @param {(words: string) => void} say
 */
async function waitForNext(id, say) {
  const began = performance.now();
  for (;;) {
    await pause(700);
    if (isLater(await ask("GET", "v1/server").catch(() => null), id)) return;
    if (performance.now() - began > PATIENCE_MS) say("The server has not come back yet. Its log tells why.");
  }
}

/**
 * Has the server start anew and loads the page when it is back. Where jobs are not done yet, it asks before.
 * @param {{despiteJobs?: boolean}} [options]
 */
export async function restartServer({ despiteJobs = false } = {}) {
  let answer;
  try {
    answer = await ask("POST", "v1/server/restart", { despite_jobs: despiteJobs });
  } catch (error) {
    tellRefusal(error);
    return;
  }
  const words = make("p", { textContent: "The server starts anew. The page comes back by itself.", attributes: { role: "status" } });
  openDialog("Reloading …", { narrow: true, mayClose: () => false }, words);
  await waitForNext(answer.id, (sentence) => (words.textContent = sentence));
  location.reload();
}

/** @param {unknown} error */
function tellRefusal(error) {
  const mayInsist = /** @type {Refusal} */ (error).status === 409;
  const cancel = button(mayInsist ? "Cancel" : "Close", () => dialog.close());
  const insist = button("Restart now", () => {
    dialog.close();
    void restartServer({ despiteJobs: true });
  }, { className: "primary" });
  const dialog = openDialog(WORDS, { narrow: true }, make("p", { textContent: messageOf(error) }),
    dialogButtons(null, cancel, ...(mayInsist ? [insist] : [])));
}

/** A button for it. */
export function restartButton(words = WORDS) {
  return button(words, () => restartServer(), { title: "Start the server anew, with what was changed here" });
}

// A job that the server did not live to finish: once it is back, the page says so and what to do.
import { make } from "./controls.js";
import { appears, find, onChange } from "./dom.js";
import { ask } from "./server.js";

const TABS = ["txt2img", "img2img", "extras"];
const KEY = "atelier-running";
const SENTENCE =
  "The server ended before this job was done. Nothing that you chose is lost: Generate makes it again. " +
  "Pictures that were finished before are in their folder.";

/**
 * What was running when the page last looked, if a later start of the server answers now.
 * @param {string | null} kept
 * @param {string} server
 * @returns {string | null} the tab
 */
export function tabCutShort(kept, server) {
  if (!kept) return null;
  const { tab, server: before } = JSON.parse(kept);
  return before === server ? null : tab;
}

/** The tab whose job runs, if one does. */
function runningTab() {
  return TABS.find((tab) => {
    const bar = find(`#${tab}_progress .progressDiv`);
    return bar && Number(bar.dataset.fraction) < 1;
  });
}

/** @param {string} server */
function keep(server) {
  const tab = runningTab();
  if (tab) sessionStorage.setItem(KEY, JSON.stringify({ tab, server }));
  else sessionStorage.removeItem(KEY);
}

/** @param {string} tab */
function tell(tab) {
  const box = make("div", { className: "notice-box warning cut-short", attributes: { role: "status" } }, make("p", { textContent: SENTENCE }));
  find(`#${tab}_results_panel`)?.prepend(box);
  find(`#${tab}_generate`)?.addEventListener("click", () => box.remove(), { once: true });
}

async function watch() {
  const first = await appears(`#${TABS[0]}_results_panel`);
  const answer = await ask("GET", "v1/server").catch(() => null);
  if (!answer) return;
  const tab = tabCutShort(sessionStorage.getItem(KEY), answer.id);
  sessionStorage.removeItem(KEY);
  if (tab) tell(tab);
  const looked = { childList: true, subtree: true, attributes: true, attributeFilter: ["data-fraction"] };
  onChange(first, () => keep(answer.id), looked);
  for (const other of TABS.slice(1)) {
    void appears(`#${other}_results_panel`).then((panel) => onChange(panel, () => keep(answer.id), looked));
  }
}

void watch();

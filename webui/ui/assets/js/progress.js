// The share done in the window's title, for screen readers when a job begins and ends, and watching again after sleep,
// should it have ended.
import { make } from "./controls.js";
import { appears, closest, find, onChange } from "./dom.js";
import { address } from "./server.js";

const TABS = ["txt2img", "img2img", "extras"];
const title = document.title;
const spoken = make("p", { className: "spoken", id: "job_status", attributes: { role: "status" } });
document.body.append(spoken);
for (const tab of TABS) await appears(`#${tab}_progress`);

/** Each step told would be a stream of numbers. @param {boolean} runs */
function speak(runs) {
  const ran = spoken.textContent === "Working.";
  if (runs !== ran) spoken.textContent = runs ? "Working." : spoken.textContent && "Done.";
}

function tell() {
  const bar = find(TABS.map((tab) => `#${tab}_progress .progressDiv`).join(", "));
  const wanted = bar ? `[${Math.round(Number(bar.dataset.fraction) * 100)}%] ${title}` : title;
  if (document.title !== wanted) document.title = wanted;
  speak(Boolean(bar));
}

for (const tab of TABS) {
  const looked = { childList: true, subtree: true, attributes: true, attributeFilter: ["data-fraction"] };
  onChange(await appears(`#${tab}_results_panel`), tell, looked);
}

function reattach() {
  for (const tab of TABS) document.getElementById(`${tab}_restore_progress`)?.click();
}

// A browser has six connections for a server, and all tabs share them: a hidden page gives its own back.
const REST_AFTER_MS = 30_000;
// Watching may end just as the page wakes up.
const LOOK_AGAIN_MS = [0, 1000, 4000];
let falling = 0;
let isResting = false;

function rest() {
  isResting = true;
  document.getElementById("page_rest")?.click();
}

/** Without a connection a page hears nothing of a server that was started again: it is loaded anew, then. */
async function loadIfStartedAgain() {
  const answer = await fetch(address("gradio_api/app_id")).catch(() => null);
  const { app_id: now } = answer?.ok ? await answer.json() : {};
  if (now !== undefined && String(now) !== String(window.gradio_config?.app_id)) location.reload();
}

function wake() {
  isResting = false;
  void loadIfStartedAgain();
  document.getElementById("page_wake")?.click();
  for (const delay of LOOK_AGAIN_MS) setTimeout(reattach, delay);
}

document.addEventListener("visibilitychange", () => {
  clearTimeout(falling);
  if (document.hidden) falling = setTimeout(rest, REST_AFTER_MS);
  else if (isResting) wake();
  else reattach();
});
// A script may ask for a job in a hidden page.
document.addEventListener("click", (event) => {
  if (!isResting || !closest(event, "[id$='_generate']")) return;
  wake();
  falling = setTimeout(rest, REST_AFTER_MS);
}, true);
addEventListener("online", reattach);

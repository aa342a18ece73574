// The share done in the window's title, for screen readers when a job begins and ends, and watching again after sleep,
// should it have ended.
import { make } from "./controls.js";
import { appears, find, onChange } from "./dom.js";

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

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) reattach();
});
addEventListener("online", reattach);

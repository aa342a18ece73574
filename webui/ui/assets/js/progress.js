// The share done in the window's title, and watching again after sleep, should it have ended.
import { appears, find, onChange } from "./dom.js";

const TABS = ["txt2img", "img2img", "extras"];
const title = document.title;
for (const tab of TABS) await appears(`#${tab}_progress`);

function tell() {
  const bar = find(TABS.map((tab) => `#${tab}_progress .progressDiv`).join(", "));
  const wanted = bar ? `[${Math.round(Number(bar.dataset.fraction) * 100)}%] ${title}` : title;
  if (document.title !== wanted) document.title = wanted;
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

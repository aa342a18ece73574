// The share done in the window's title, and finding back to a running job after sleep or a lost connection.
import { appears, find, onChange } from "./dom.js";

const STANDSTILL_MS = 10_000;
const title = document.title;
await appears("#txt2img_progress");

onChange(find("#txt2img_results_panel"), () => {
  const bar = find("#txt2img_progress .progressDiv");
  const wanted = bar ? `[${Math.round(Number(bar.dataset.fraction) * 100)}%] ${title}` : title;
  if (document.title !== wanted) document.title = wanted;
}, { childList: true, subtree: true, attributes: true, attributeFilter: ["data-fraction"] });

function reattach() {
  document.getElementById("txt2img_restore_progress")?.click();
}

// A job whose bar stands still for long may have lost its connection.
let last = "";
setInterval(() => {
  const now = find("#txt2img_progress .progressDiv")?.outerHTML ?? "";
  if (now && now === last) reattach();
  last = now;
}, STANDSTILL_MS);

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) reattach();
});
addEventListener("online", reattach);

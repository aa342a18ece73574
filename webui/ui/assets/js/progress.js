// The share done in the window's title, and watching again after sleep, should it have ended.
import { appears, find, onChange } from "./dom.js";

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

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) reattach();
});
addEventListener("online", reattach);

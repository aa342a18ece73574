// Beside "Resize by": what size the picture will have.
import { appears, find } from "./dom.js";

const preview = await appears("#img2img_scale_resolution_preview .resolution");
const tab = await appears("#tab_img2img");

function tell() {
  const mode = find("#img2img_mode input:checked")?.value;
  const size = window.webui.canvasPixels(mode);
  const scale = Number(find("#img2img_scale input[type=number]")?.value);
  const side = (/** @type {number} */ pixels) => Math.max(Math.floor((pixels * scale) / 8) * 8, 8);
  const words = size ? `From ${size.join("x")} to ${size.map(side).join("x")}` : "The picture's size, multiplied.";
  if (preview.textContent !== words) preview.textContent = words;
}

for (const name of ["input", "change", "click"]) tab.addEventListener(name, () => requestAnimationFrame(tell));
addEventListener("canvas-change", tell);
tell();

// The buttons under a gallery rest while there is no picture in it, and say why.
import { appears, find, findAll, onChange } from "./dom.js";

const NO_PICTURE = "There is no picture yet. Generate one first.";

/**
 * @param {HTMLElement} tools
 * @param {HTMLElement} gallery
 */
function rest(tools, gallery) {
  const empty = !find(":scope img", gallery);
  for (const button of findAll(":scope > button", tools)) {
    if (!(button instanceof HTMLButtonElement)) continue;
    const name = button.textContent.trim();
    button.disabled = empty;
    button.title = empty ? `${name}: ${NO_PICTURE}` : name;
  }
}

for (const tab of ["txt2img", "img2img", "extras"]) {
  const tools = await appears(`#image_buttons_${tab}`);
  const gallery = await appears(`#${tab}_gallery`);
  onChange(gallery, () => rest(tools, gallery));
}

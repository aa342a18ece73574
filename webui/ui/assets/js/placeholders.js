// Where there are no keys, an empty prompt does not tell of them; and two lines fit into it.
import { PROMPTS, appears, findAll } from "./dom.js";

const keyless = matchMedia("(max-width: 860px), (hover: none)");
const whole = /** @type {Map<Element, string>} */ (new Map());

function fit() {
  for (const box of findAll(PROMPTS)) {
    if (!(box instanceof HTMLTextAreaElement)) continue;
    const text = whole.get(box) ?? box.placeholder;
    whole.set(box, text);
    box.placeholder = keyless.matches ? text.replace(/\. .*/s, ".") : text;
  }
}

await appears("#img2img_prompt textarea");
keyless.addEventListener("change", fit);
fit();

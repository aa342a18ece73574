// Takes over from the prompt that assets/early.html shows while Gradio builds the page.
import { appears, find, type } from "./dom.js";

const page = find("#early_page");
const early = /** @type {HTMLTextAreaElement | null} */ (find("#early_page textarea"));
let isComposing = false;
early?.addEventListener("compositionstart", () => (isComposing = true));
early?.addEventListener("compositionend", () => (isComposing = false));

/** Until no word of Chinese, say, is being put together: its field must not go away meanwhile. */
async function composed() {
  while (isComposing) await new Promise((resolve) => early?.addEventListener("compositionend", resolve, { once: true }));
}

/** @param {HTMLTextAreaElement} field */
async function takeOver(field) {
  // What the browser keeps is written into the form before: it would replace what is written here.
  await appears("#txt2img_stored .restored");
  const prompt = await appears("#txt2img_prompt textarea");
  await composed();
  const isFocused = document.activeElement === field;
  if (field.value !== page?.dataset.kept) type(prompt, field.value);
  const { selectionStart, selectionEnd } = field;
  page?.remove();
  try {
    sessionStorage.removeItem("atelier.early");
  } catch {
    // A browser that keeps nothing.
  }
  if (!isFocused) return;
  prompt.focus();
  prompt.setSelectionRange(selectionStart, selectionEnd);
}

if (early) void takeOver(early);

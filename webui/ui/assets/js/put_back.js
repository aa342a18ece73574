// Whatever fills a form at once says so under Generate, with a button that puts back what stood there: dropped pictures,
// the arrow, PNG Info, galleries' buttons, and the bin. Other modules import from here.
import { appears, closest, find, nextFrame, publish } from "./dom.js";
import { button } from "./dialogs.js";
import { make } from "./controls.js";
import { fillForm, readForm } from "./form.js";
import { messageOf } from "./server.js";
import { changedFields, describeFields } from "./typed/fields.js";

/** @typedef {import("./form.js").Fields} Fields */

/**
 * How a fill is told: `does` begins the sentence, `from` ends it. `tell` gets the sentence, too; empty where nothing
 * changed.
 * @typedef {{does: string, from?: string, tell?: (words: string) => void}} Fill
 */

/** By button, whose form it fills. @type {[selector: string, tab: Tab, fill: Fill][]} */
const FILLING = [
  ["#paste", "txt2img", { does: "Filled" }],
  ["#img2img_paste", "img2img", { does: "Filled" }],
  ["#txt2img_clear_prompt", "txt2img", { does: "Cleared" }],
  ["#img2img_clear_prompt", "img2img", { does: "Cleared" }],
  ["#txt2img_reuse_all", "txt2img", { does: "Filled", from: "the selected picture" }],
  ["#img2img_reuse_all", "img2img", { does: "Filled", from: "the selected picture" }],
  ["#txt2img_tab", "txt2img", { does: "Filled", from: "PNG Info" }],
  ["#img2img_tab, #inpaint_tab", "img2img", { does: "Filled", from: "PNG Info" }],
  ["[id$='_send_to_img2img'], [id$='_send_to_sketch'], [id$='_send_to_inpaint']", "img2img",
    { does: "Filled", from: "the picture that was sent" }],
];
// By tab, an infotext that waits for the arrow to read it.
const brought = /** @type {Map<Tab, string>} */ (new Map());
// By tab, what is being filled, and what stood there before.
const begun = /** @type {Map<Tab, {fill: Fill, before: Promise<Fields | null>}>} */ (new Map());

/**
 * Takes note of what stands in a tab's form, just before the server is asked to fill it.
 * @param {Tab} tab
 * @param {Fill} fill
 */
export function beginFill(tab, fill) {
  // Where the page does not tell, there is nothing to offer, and the fill goes on.
  begun.set(tab, { fill, before: readForm(tab).catch(() => null) });
}

/**
 * Writes an infotext into a tab's form, as A1111's arrow does; the text itself never stands in the prompt.
 * @param {Tab} tab
 * @param {string} infotext
 * @param {Fill} fill
 */
export function fillFromText(tab, infotext, fill) {
  beginFill(tab, fill);
  brought.set(tab, infotext);
  find(tab === "txt2img" ? "#paste" : "#img2img_paste")?.click();
}

/**
 * What a tab's arrow is to read.
 * @param {Tab} tab
 */
function textToRead(tab) {
  const text = brought.get(tab) ?? find(`#${tab}_prompt textarea`)?.value ?? "";
  brought.delete(tab);
  return text;
}

/**
 * Tells what a fill changed since it began, and offers to put that back.
 * @param {Tab} tab
 */
export async function showFill(tab) {
  const filled = begun.get(tab);
  begun.delete(tab);
  const before = await filled?.before;
  if (!filled || !before) return;
  // What Gradio has been told stands in the page from the next frame on.
  await nextFrame();
  const after = await readForm(tab).catch(() => before);
  const changed = changedFields(before, after);
  const { does, from, tell } = filled.fill;
  const words = changed.length ? `${does} ${describeFields(changed)}${from ? ` from ${from}` : ""}.` : "";
  tell?.(words);
  if (!words) return;
  const restored = Object.fromEntries(changed.map((name) => [name, before[name]]));
  const again = does === "Put back";
  offerPutBack(tab, [words], again ? "Redo" : "Put back", async () => {
    beginFill(tab, { does: again ? "Filled" : "Put back", from: again ? from : "" });
    await fillForm(tab, restored);
    await showFill(tab);
  });
}

/**
 * Says something under a tab's Generate beside a button that undoes it, in place of what was said there before.
 * @param {Tab} tab
 * @param {string[]} sentences
 * @param {string} label
 * @param {() => Promise<unknown>} action
 */
export function offerPutBack(tab, sentences, label, action) {
  const box = /** @type {HTMLElement} */ (find(`#${tab}_put_back`));
  const text = make("div", { className: "put-back-text" }, ...sentences.map((textContent) => make("p", { textContent })));
  const act = button(label, async () => {
    act.disabled = true;
    try {
      await action();
    } catch (error) {
      text.replaceChildren(make("p", { textContent: messageOf(error) }));
    }
    act.disabled = false;
  });
  const close = button("OK", () => (box.hidden = true), { title: "Keep it, and close this" });
  box.replaceChildren(text, make("div", { className: "put-back-buttons" }, act, close));
  box.hidden = false;
}

document.addEventListener("click", (event) => {
  const filling = FILLING.find(([selector]) => closest(event, selector));
  if (!filling) return;
  const [, tab, fill] = filling;
  // A script that presses the arrow has begun already, before it wrote into the prompt.
  if (event.isTrusted || !begun.has(tab)) beginFill(tab, fill);
}, true);

publish({
  textToRead,
  showFill: (tab) => {
    void showFill(tab);
    return [];
  },
});

for (const tab of ["txt2img", "img2img"]) {
  const box = make("div", {
    id: `${tab}_put_back`,
    className: "put-back notice-box info",
    hidden: true,
    attributes: { role: "status" },
  });
  void appears(`#${tab}_notice`).then((notice) => notice.after(box));
}

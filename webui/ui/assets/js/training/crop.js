// A picture as it is, and what training sees of it.
import { make } from "../controls.js";
import { button, dialogButtons, openDialog } from "../dialogs.js";
import { writtenCaption } from "./filters.js";
import { dataSets } from "./requests.js";

/** @type {[crop: string, words: string][]} */
const CROPS = [["focal", "What matters in it"], ["center", "The middle"], ["random", "Another part each time"]];

/**
 * @param {DataSet} data
 * @param {string} first
 * @param {{resolution: number, crop: string}} seen as the run would have it
 */
export function openCrop(data, first, { resolution, crop }) {
  const files = data.examples.map(({ file }) => file);
  let at = Math.max(files.indexOf(first), 0);
  const whole = make("img", { alt: "" });
  const cut = make("img", { alt: "" });
  const caption = make("p", { className: "train-crop-caption" });
  const facts = make("figcaption", { className: "hint" });
  const choose = make("select", { attributes: { "aria-label": "Where pictures are cut" } },
    ...CROPS.map(([value, words]) => make("option", { value, textContent: words, selected: value === crop })));
  const next = button("Next", () => show(1));
  next.autofocus = true;
  const show = (/** @type {number} */ by) => {
    at = (at + by + files.length) % files.length;
    const example = data.examples[at];
    whole.src = dataSets.picture(data.name, example.file);
    whole.alt = `${example.file}, whole`;
    cut.src = dataSets.crop(data.name, example.file, resolution, choose.value);
    cut.alt = `${example.file}, as training sees it`;
    caption.textContent = writtenCaption(example) || "No caption.";
    dialog.querySelector("h2")?.replaceChildren(`${example.file} · ${at + 1} of ${files.length}`);
  };
  cut.onload = () => (facts.textContent = `Training sees this part, at ${cut.naturalWidth} × ${cut.naturalHeight}`);
  choose.onchange = () => show(0);
  const dialog = openDialog("Picture", {},
    make("div", { className: "train-crop" },
      make("figure", {}, whole, make("figcaption", { className: "hint", textContent: "The picture" })),
      make("figure", {}, cut, facts)),
    caption,
    make("label", { className: "train-crop-choose" }, "Cut to ", choose),
    dialogButtons(button("Previous", () => show(-1)), next, null, button("Close", () => dialog.close(), { className: "primary" })));
  dialog.classList.add("train-crop-dialog");
  dialog.addEventListener("keydown", ({ key, target }) => {
    if (target === choose || !["ArrowLeft", "ArrowRight"].includes(key)) return;
    show(key === "ArrowLeft" ? -1 : 1);
  });
  show(0);
}

// A unit's batch: a folder of pictures in place of the one, a result for each.
import { button, keepPicture, make, messageOf } from "./elements.js";

export const MOST_PICTURES = 1000;

/**
 * The files of a folder that are pictures, in the order of their names, numbers by their size.
 * @param {Iterable<File>} files
 * @returns {File[]}
 */
export function picturesAmong(files) {
  const pathOf = (/** @type {File} */ file) => file.webkitRelativePath || file.name;
  return [...files]
    .filter(({ type, name }) => type.startsWith("image/") && !name.startsWith("."))
    .sort((one, other) => pathOf(one).localeCompare(pathOf(other), undefined, { numeric: true }));
}

/**
 * What a batch of so many pictures does, as a sentence.
 * @param {number} count
 */
export function describeBatch(count) {
  if (!count) return "";
  return count === 1 ? "1 picture in place of the one above." : `${count} pictures in place of the one above: one result for each.`;
}

/**
 * The line below a unit's picture.
 * @param {string} id - of the field for a folder
 * @param {ControlUnit} unit
 * @param {{change: (values: Partial<ControlUnit>) => void, say: (sentence: string) => void}} owner
 */
export function batchBox(id, unit, { change, say }) {
  let count = unit.batch_images.length;
  // A choice that came later, or Remove, ends an upload.
  let turn = 0;
  const words = make("span", { className: "cn-batch-words", role: "status" });
  const input = make("input", { type: "file", multiple: true, id, className: "cn-file", tabIndex: -1, "aria-label": "Folder of pictures", webkitdirectory: true });
  const choose = button("Batch folder …", () => input.click(), { title: "A folder of pictures in place of the one above: one result for each" });
  const remove = button("Remove batch", () => set([]));

  /** @param {string[]} references */
  const set = (references) => {
    turn += 1;
    count = references.length;
    change({ batch_images: references, ...(count ? { enabled: true } : {}) });
    show();
  };
  const show = (text = describeBatch(count)) => {
    words.textContent = text;
    remove.hidden = !count;
  };

  /** @param {File[]} files */
  const take = async (files) => {
    const pictures = picturesAmong(files);
    if (!pictures.length) return say("There is no picture in this folder. Choose one with PNG, JPEG or WebP files.");
    if (pictures.length > MOST_PICTURES) return say(`These are ${pictures.length} pictures; a batch takes at most ${MOST_PICTURES}.`);
    const own = (turn += 1);
    const references = [];
    try {
      for (const [index, picture] of pictures.entries()) {
        show(`Sending picture ${index + 1} of ${pictures.length} …`);
        references.push((await keepPicture(picture)).reference);
        if (own !== turn) return;
      }
      set(references);
    } catch (error) {
      show();
      say(messageOf(error));
    }
  };
  input.addEventListener("change", () => {
    const files = [...(input.files ?? [])];
    input.value = "";
    if (files.length) void take(files);
  });
  show();
  return make("div", { className: "cn-batch" }, input, choose, remove, words);
}

// What stands in the place of pictures while there are none: where to drop them, and data sets to go on with.
import { make } from "../controls.js";
import { button } from "../dialogs.js";
import { counted } from "./words.js";

/** @typedef {{choose: () => void, chooseFolder: () => void, nameFolder: () => void, open: (name: string) => void}} EmptyActions */

/** @param {EmptyActions} actions */
export function emptyDesk({ choose, chooseFolder, nameFolder, open }) {
  const known = make("div", { className: "train-known" });
  const element = make("div", { className: "train-empty" },
    make("div", { className: "train-drop" },
      make("span", { className: "train-drop-icon", attributes: { "aria-hidden": "true" } }),
      make("strong", { textContent: "Drop 10 to 20 pictures of what it shall learn" }),
      make("span", { className: "hint", textContent: "Or a zip, or a folder. Captions that lie beside them as .txt come along." }),
      make("div", { className: "train-drop-buttons" },
        button("Choose pictures", choose, { className: "primary" }),
        button("Choose a folder", chooseFolder),
        button("Name a folder on the server", nameFolder))),
    known);
  return {
    element,
    /** @param {DataSetSummary[]} sets */
    show: (sets) => {
      known.replaceChildren(...(sets.length ? [
        make("h3", { textContent: "Or go on with" }),
        make("ul", {}, ...sets.map(({ name, pictures, captioned }) => make("li", {},
          button(name, () => open(name), { className: "train-known-set" }),
          make("span", { className: "hint", textContent: `${counted(pictures, "picture")}, ${captioned} with captions` })))),
      ] : []));
    },
  };
}

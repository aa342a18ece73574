// A dialog that asks for a folder of the server's.
import { make } from "../controls.js";
import { button, dialogButtons, openDialog } from "../dialogs.js";
import { plainName } from "./intake.js";
import { Notice } from "./notice.js";

/** @param {(name: string, folder: string) => Promise<unknown>} take throws what the server refuses */
export function askForFolder(take) {
  const path = make("input", { type: "text", placeholder: "/home/me/pictures/fox", autocomplete: "off", spellcheck: false });
  const notice = new Notice();
  const form = make("form", { method: "dialog" },
    make("label", { className: "details-field" }, make("span", { textContent: "Folder on the machine that Atelier runs on" }), path),
    make("p", { className: "hint", textContent: "Its pictures stay where they are; captions are written beside them." }),
    notice.element,
    dialogButtons(null, button("Cancel", () => dialog.close()), make("button", { type: "submit", className: "primary", textContent: "Use it" })));
  const dialog = openDialog("Name a folder", { narrow: true }, form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const folder = path.value.trim();
    if (!folder) return notice.say("Write the folder's path.", "warning");
    try {
      await take(plainName(folder.split(/[\\/]/).filter(Boolean).at(-1) ?? "") || "pictures", folder);
      dialog.close();
    } catch (error) {
      notice.fail(error);
    }
  });
}

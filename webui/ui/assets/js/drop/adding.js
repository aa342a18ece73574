// Adding models without dragging: a dialog that asks for files or a link.
import { make } from "../controls.js";
import { button, dialogButtons, openDialog } from "../dialogs.js";
import { linksIn } from "./links.js";
import { isPreset } from "./texts.js";

const UNKNOWN_LINK = "That is not a link this page knows. It takes addresses of Civitai and Hugging Face, and AIR names.";

/**
 * Opens the dialog; `take(files, text)` gets what was given.
 * @param {(files: File[], text: string) => void} take
 */
export function askForModels(take) {
  const files = make("input", { type: "file", multiple: true, id: "add_models_files" });
  const link = make("input", {
    type: "text",
    id: "add_models_link",
    placeholder: "Civitai or Hugging Face link, or AIR",
    attributes: { "aria-label": "Link" },
  });
  const message = make("p", {
    className: "hint",
    textContent: "Each goes into the folder it belongs to. You can also drop files and links anywhere on the page.",
    attributes: { role: "status" },
  });
  const form = make(
    "form",
    { method: "dialog" },
    make("label", { className: "details-field" }, make("span", { textContent: "Files from this device" }), files),
    make("label", { className: "details-field" }, make("span", { textContent: "Or a link" }), link),
    message,
    dialogButtons(
      null,
      button("Close", () => dialog.close()),
      make("button", { type: "submit", className: "primary", textContent: "Add" }),
    ),
  );
  const dialog = openDialog("Add models", { narrow: true }, form);
  form.addEventListener("submit", (event) => {
    const chosen = [...(files.files ?? [])];
    if (chosen.length || linksIn(link.value).length || isPreset(link.value)) return take(chosen, link.value);
    event.preventDefault();
    message.textContent = link.value ? UNKNOWN_LINK : "Choose files, or paste a link.";
  });
}

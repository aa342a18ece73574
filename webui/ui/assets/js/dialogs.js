// Dialogs over the page: Escape, a click beside them and their own buttons close them; focus goes back.
import { make } from "./controls.js";

/**
 * Opens a dialog with a heading; `mayClose()` is asked before Escape or a click beside it closes it.
 * @param {string} label
 * @param {{narrow?: boolean, mayClose?: () => boolean}} [options]
 * @param {...(Node | string)} children
 */
export function openDialog(label, { narrow = false, mayClose = () => true } = {}, ...children) {
  const dialog = make(
    "dialog",
    { className: narrow ? "details narrow" : "details", attributes: { "aria-label": label } },
    make("h2", { textContent: label }),
    ...children,
  );
  // A selection that ends beside the dialog is no click beside it.
  let begun = /** @type {EventTarget | null} */ (null);
  dialog.addEventListener("pointerdown", (event) => (begun = event.target));
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog && begun === dialog && mayClose()) dialog.close();
  });
  dialog.addEventListener("cancel", (event) => {
    if (!mayClose()) event.preventDefault();
  });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/**
 * A row of buttons at the end of a dialog; those before `null` stand left.
 * @param {...(Node | null)} buttons
 */
export function dialogButtons(...buttons) {
  const gap = () => make("span", { className: "gap" });
  return make("div", { className: "details-buttons" }, ...buttons.map((button) => button ?? gap()));
}

/**
 * A plain button.
 * @param {string} words
 * @param {() => unknown} action
 * @param {{className?: string, title?: string}} [options]
 */
export function button(words, action, { className = "", title = "" } = {}) {
  return make("button", { type: "button", className, title, textContent: words, onclick: action });
}

/**
 * A button that asks once more, in other words, before it acts.
 * @param {string} words
 * @param {string} again
 * @param {() => unknown} action
 * @param {{className?: string, title?: string}} [options]
 */
export function twiceButton(words, again, action, options = {}) {
  const element = button(words, () => {
    if (element.textContent === words) {
      element.textContent = again;
      element.classList.add("asking");
      return;
    }
    element.textContent = words;
    element.classList.remove("asking");
    action();
  }, options);
  element.addEventListener("blur", () => {
    element.textContent = words;
    element.classList.remove("asking");
  });
  return element;
}

/**
 * A size for people.
 * @param {number} bytes
 */
export function sizeText(bytes) {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(2)} GB`;
  return bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.ceil(bytes / 1e3)} kB`;
}

/**
 * Puts a text into the clipboard, also where the page comes without encryption.
 * @param {string} text
 * @param {Node} element
 */
export async function copyText(text, element) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    getSelection()?.selectAllChildren(element);
    document.execCommand("copy");
  }
}

// Ctrl/Cmd+Enter generates (and begins anew while a job runs), Alt+Enter skips, Esc interrupts.
import { find, findAll, isShown } from "./dom.js";

function currentTab() {
  const panel = findAll("#tabs > .tabitem").find((element) => isShown(element));
  return panel?.id.replace(/^tab_/, "") ?? "";
}

/** @param {string} id */
function press(id) {
  const button = document.getElementById(id);
  if (!button?.checkVisibility({ visibilityProperty: true })) return false;
  button.click();
  return true;
}

/** @param {Tab} tab */
function generate(tab) {
  press(`${tab}_interrupt`);
  return press(`${tab}_generate`);
}

/** A list that is open, a dialog or a picture over the page takes Esc for itself. */
function somethingIsOpen() {
  return find(":popover-open") || isShown(find("#lightboxModal")) || isShown(find(".context-menu")) || find("[role=listbox]");
}

document.addEventListener("keydown", (event) => {
  if (find("dialog[open]")) return;
  const tab = currentTab();
  let done = false;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) done = generate(tab);
  else if (event.key === "Enter" && event.altKey) done = press(`${tab}_skip`);
  else if (event.key === "Escape" && !somethingIsOpen()) done = press(`${tab}_interrupt`);
  if (done) event.preventDefault();
});

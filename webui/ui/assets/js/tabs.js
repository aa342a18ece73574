// The strip of tabs, in the shape that scripts written for A1111 look for: #tabs > .tab-nav > button, the chosen one
// with the class "selected". All panels stay in the page; the chosen one has display: block.
import { appears, find, findAll, onChange, publish } from "./dom.js";

const tabs = await appears("#tabs");
await appears("#tabs > .tabitem .tab-name");

const strip = document.createElement("div");
strip.className = "tab-nav";
strip.setAttribute("role", "tablist");
tabs.prepend(strip);

function panels() {
  return findAll(":scope > .tabitem", tabs);
}

/** @param {HTMLElement} panel */
function buttonOf(panel) {
  return strip.querySelector(`button[data-tab="${panel.id}"]`);
}

/** @param {HTMLElement} panel */
function makeButton(panel) {
  const button = document.createElement("button");
  button.type = "button";
  button.id = `${panel.id}-button`;
  button.dataset.tab = panel.id;
  button.setAttribute("role", "tab");
  button.setAttribute("aria-controls", panel.id);
  button.textContent = find(".tab-name", panel)?.textContent ?? panel.id;
  button.addEventListener("click", () => choose(panel));
  panel.setAttribute("role", "tabpanel");
  return button;
}

/**
 * Whether nobody minds that the tab that is shown is left for another.
 * @param {HTMLElement} chosen
 */
function mayLeave(chosen) {
  const from = strip.querySelector(".selected")?.getAttribute("data-tab");
  if (!from || from === chosen.id) return true;
  const leaving = new CustomEvent("leave-tab", { cancelable: true, detail: { from, to: chosen.id } });
  return document.dispatchEvent(leaving);
}

/** @param {HTMLElement} chosen */
function choose(chosen) {
  if (!mayLeave(chosen)) return;
  for (const panel of panels()) {
    const selected = panel === chosen;
    panel.style.display = selected ? "block" : "none";
    const button = buttonOf(panel);
    button?.classList.toggle("selected", selected);
    button?.setAttribute("aria-selected", String(selected));
  }
  // Charts and canvases measure themselves anew.
  dispatchEvent(new Event("resize"));
}

/**
 * Shows a top-level tab by its name.
 * @param {string} name
 * @returns {never[]}
 */
function showTab(name) {
  const panel = document.getElementById(`tab_${name}`);
  if (panel) choose(panel);
  return [];
}

function addMissing() {
  for (const panel of panels()) {
    if (!buttonOf(panel) && panel.querySelector(".tab-name")) strip.append(makeButton(panel));
  }
  if (!strip.querySelector(".selected") && panels().length) choose(panels()[0]);
}

onChange(tabs, addMissing, { childList: true });
publish({ showTab });

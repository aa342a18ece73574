// The strip of tabs, in the shape that scripts written for A1111 look for: #tabs > .tab-nav > button, the chosen one
// with the class "selected". All panels stay in the page; the chosen one has display: block.
import { make } from "./controls.js";
import { appears, find, findAll, onChange, publish } from "./dom.js";
import { connect, markChosen } from "./strip.js";

const tabs = await appears("#tabs");
await appears("#tabs > .tabitem .tab-name");

const strip = make("div", { className: "tab-nav", attributes: { role: "tablist", "aria-label": "Tabs" } });
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
  const button = make("button", {
    type: "button",
    id: `${panel.id}-button`,
    textContent: find(".tab-name", panel)?.textContent ?? panel.id,
    onclick: () => choose(panel),
    attributes: { role: "tab", "data-tab": panel.id },
  });
  connect(button, panel);
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
function show(chosen) {
  for (const panel of panels()) panel.style.display = panel === chosen ? "block" : "none";
  markChosen(strip, ({ dataset }) => dataset.tab === chosen.id);
}

/** @param {HTMLElement} chosen */
function choose(chosen) {
  if (!mayLeave(chosen)) return;
  show(chosen);
  buttonOf(chosen)?.scrollIntoView({ block: "nearest", inline: "nearest" });
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
  if (!strip.querySelector(".selected") && panels().length) show(panels()[0]);
  else markChosen(strip, (button) => button.classList.contains("selected"));
}

onChange(tabs, addMissing, { childList: true });
publish({ showTab });

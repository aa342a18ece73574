// From tab to tab.

(() => {
  const MODES = ["img2img", "Sketch", "Inpaint", "Inpaint sketch", "Inpaint upload", "Batch"];

  /** Shows the img2img tab with one of its modes, by number. */
  atelierHost.showMode = (/** @type {number} */ number) => {
    window.webui.showTab("img2img");
    gradioApp().querySelector(`#img2img_mode input[value="${MODES[number]}"]`)?.click();
  };
})();

// Gradio 3 shows a tab's panel by "display: block", which scripts ask for; Gradio 6 by "flex", which style.css keeps. A
// page of cards is such a panel in A1111.
(() => {
  const known = new WeakSet();
  const tell = (/** @type {HTMLElement} */ panel) => {
    const { style, hidden } = panel;
    const shown = style.display === "flex" ? "block" : style.display;
    const now = panel.classList.contains("cards-page") ? (hidden ? "none" : "block") : shown;
    if (style.display !== now) style.display = now;
  };
  const observer = new MutationObserver((changes) => changes.forEach(({ target }) => tell(/** @type {HTMLElement} */ (target))));
  const watch = () => {
    for (const panel of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".gradio-tabitem, .cards-page"))) {
      if (known.has(panel)) continue;
      known.add(panel);
      tell(panel);
      observer.observe(panel, { attributes: true, attributeFilter: ["style", "hidden"] });
    }
  };
  atelierHost.preparations.push(watch);
  onAfterUiUpdate(watch);
})();

// Gradio 3 writes a space behind the name of a tab, and scripts look for the name so.
(() => {
  const name = () => {
    for (const button of gradioApp().querySelectorAll(".tab-nav > button")) {
      if (button.textContent?.trim() && !/\s$/.test(button.textContent)) button.append(" ");
    }
  };
  atelierHost.preparations.push(name);
  onAfterUiUpdate(name);
})();

function switch_to_txt2img(/** @type {any[]} */ ...args) {
  window.webui.showTab("txt2img");
  return args;
}

function switch_to_img2img_tab(/** @type {number} */ number) {
  atelierHost.showMode(number);
}

function switch_to_img2img(/** @type {any[]} */ ...args) {
  switch_to_img2img_tab(0);
  return args;
}

function switch_to_sketch(/** @type {any[]} */ ...args) {
  switch_to_img2img_tab(1);
  return args;
}

function switch_to_inpaint(/** @type {any[]} */ ...args) {
  switch_to_img2img_tab(2);
  return args;
}

function switch_to_inpaint_sketch(/** @type {any[]} */ ...args) {
  switch_to_img2img_tab(3);
  return args;
}

function switch_to_extras(/** @type {any[]} */ ...args) {
  window.webui.showTab("extras");
  return args;
}

/** The number of the chosen tab of a strip; 0 where there is none. */
function get_tab_index(/** @type {string} */ id) {
  const buttons = [...(gradioApp().querySelectorAll(`#${CSS.escape(id)} > .tab-nav > button`) ?? [])];
  return Math.max(buttons.findIndex((button) => button.classList.contains("selected")), 0);
}

function get_img2img_tab_index(/** @type {any[]} */ ...args) {
  return create_tab_index_args("mode_img2img", args);
}

/** Arguments with the number of the chosen tab as the first. */
function create_tab_index_args(/** @type {string} */ id, /** @type {any[]} */ args) {
  const given = args_to_array(args);
  given[0] = get_tab_index(id);
  return given;
}

/** Says in the page's address bar nothing: tabs have no addresses here. */
function get_extras_tab_index(/** @type {any[]} */ ...args) {
  return [get_tab_index("mode_extras"), get_tab_index("extras_resize_mode"), ...args.slice(2)];
}

// Words of the page in another language, and tooltips. `localization` comes from the file that the settings choose.

var localization = window.localization ?? {};
/** Ids within which nothing is translated: names of files and what artists wrote. @type {Record<string, string>} */
var ignore_ids_for_localization = {
  setting_sd_model_checkpoint: "OPTION",
  setting_sd_vae: "OPTION",
  setting_sd_hypernetwork: "OPTION",
  setting_realesrgan_enabled_models: "OPTION",
  txt2img_styles: "OPTION",
  img2img_styles: "OPTION",
  txt2img_embeddings: "*",
  html_info_txt2img: "*",
  html_info_img2img: "*",
  html_info_extras: "*",
  lightboxModal: "*",
};
var re_num = /^[.\d]+$/;
var re_emoji = /[\p{Extended_Pictographic}\u{1F3FB}-\u{1F3FF}\u{1F9B0}-\u{1F9B3}]/u;
var original_lines = /** @type {Record<string, number>} */ ({});
var translated_lines = /** @type {Record<string, number>} */ ({});
/** Tooltips by what an element shows, its value or its class. @type {Record<string, string>} */
var titles = {};

function hasLocalization() {
  return Object.keys(window.localization ?? {}).length > 0;
}

/** The text nodes below an element. */
function textNodesUnder(/** @type {Node} */ element) {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  const found = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) found.push(node);
  return found;
}

/** Whether a text of a node may be translated. */
function canBeTranslated(/** @type {Node} */ node, /** @type {string} */ text) {
  const around = node.parentElement;
  if (!text || !around || re_num.test(text) || re_emoji.test(text)) return false;
  if (["SCRIPT", "STYLE", "TEXTAREA"].includes(around.tagName)) return false;
  for (let element = /** @type {Element | null} */ (around); element; element = element.parentElement) {
    const ignored = ignore_ids_for_localization[element.id];
    // Of a field with a list, only its choices are names.
    if (ignored === "*" || (ignored === "OPTION" && around.closest("ul, [role='listbox'], .token"))) return false;
    if (element.classList.contains("extra-network-cards") || element.classList.contains("prompt")) return false;
  }
  return true;
}

/** A text in the chosen language; undefined where there is none. */
function getTranslation(/** @type {string} */ text) {
  if (!text) return undefined;
  if (translated_lines[text] === undefined) original_lines[text] = 1;
  const meant = Object.hasOwn(window.localization ?? {}, text) ? window.localization[text] : undefined;
  if (meant !== undefined) translated_lines[meant] = 1;
  return meant;
}

function processTextNode(/** @type {Node} */ node) {
  const text = node.textContent?.trim() ?? "";
  if (!canBeTranslated(node, text)) return;
  const meant = getTranslation(text);
  if (meant !== undefined && node.nodeValue !== null) node.nodeValue = node.nodeValue.replace(text, () => meant);
}

/** Translates an element, its tooltip and all texts within. */
function processNode(/** @type {Node} */ node) {
  if (node.nodeType === Node.TEXT_NODE) return processTextNode(node);
  if (!(node instanceof HTMLElement)) return;
  for (const element of [node, .../** @type {NodeListOf<HTMLElement>} */ (node.querySelectorAll("[title], [placeholder]"))]) {
    const title = element.title && getTranslation(element.title);
    if (title) element.title = title;
    const placeholder = getTranslation(element.getAttribute("placeholder") ?? "");
    if (placeholder) element.setAttribute("placeholder", placeholder);
  }
  textNodesUnder(node).forEach(processTextNode);
}

function localizeWholePage() {
  processNode(gradioApp());
}

/** All texts of the page with what they are in the chosen language. */
function dumpTranslations() {
  if (!hasLocalization()) localizeWholePage();
  /** @type {Record<string, string>} */
  const dumped = window.localization?.rtl ? { rtl: window.localization.rtl } : {};
  for (const text of Object.keys(original_lines)) dumped[text] = getTranslation(text) ?? text;
  return dumped;
}

/** Saves a file to begin a translation with. */
function download_localization() {
  const file = new Blob([JSON.stringify(dumpTranslations(), null, 4)], { type: "application/json" });
  const link = atelierHost.make("a", { href: URL.createObjectURL(file), download: "localization.json" });
  link.click();
  URL.revokeObjectURL(link.href);
}

/** Gives an element the tooltip of its words, its value or its class, unless it has one. */
function updateTooltip(/** @type {any} */ element) {
  if (element.title) return;
  const words = [element.textContent?.trim(), element.value, ...element.classList].filter((word) => typeof word === "string" && word);
  const found = words.find((word) => Object.hasOwn(titles, word));
  if (found !== undefined) element.title = (hasLocalization() && getTranslation(titles[found])) || titles[found];
}

function setupTooltips() {
  for (const element of gradioApp().querySelectorAll("span, button, select, p")) updateTooltip(element);
}

atelierHost.preparations.push(() => {
  const fresh = new Set();
  const mark = (/** @type {MutationRecord[]} */ changes) => {
    for (const { type, target, addedNodes } of changes) {
      if (type === "characterData") processTextNode(target);
      for (const node of addedNodes) {
        if (hasLocalization()) processNode(node);
        if (node instanceof HTMLElement && Object.keys(titles).length) fresh.add(node);
      }
    }
  };
  onUiUpdate(mark);
  onAfterUiUpdate(() => {
    for (const node of fresh) {
      if (node.matches("span, button, select, p")) updateTooltip(node);
      node.querySelectorAll("span, button, select, p").forEach(updateTooltip);
    }
    fresh.clear();
  });
  if (hasLocalization()) {
    localizeWholePage();
    if (window.localization.rtl) document.body.dir = "rtl";
  }
});
// Extensions add their tooltips while the page loads.
onUiLoaded(() => setTimeout(setupTooltips));

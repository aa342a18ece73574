// Finding things in the page and waiting for them. Other modules import from here.

export const PROMPTS = "[id$='_prompt'].prompt textarea, [id$='_neg_prompt'].prompt textarea";

/**
 * The first element that matches, or null.
 * @template {string} Selector
 * @param {Selector} selector
 * @param {ParentNode} [within]
 * @returns {Found<Selector> | null}
 */
export function find(selector, within = document) {
  return within.querySelector(selector);
}

/**
 * All elements that match.
 * @template {string} Selector
 * @param {Selector} selector
 * @param {ParentNode} [within]
 * @returns {Found<Selector>[]}
 */
export function findAll(selector, within = document) {
  return [.../** @type {NodeListOf<Found<Selector>>} */ (within.querySelectorAll(selector))];
}

/**
 * The element of an event, or the nearest around it, that matches; null where there is none.
 * @param {Event} event
 * @param {string} selector
 * @returns {HTMLElement | null}
 */
export function closest({ target }, selector) {
  return target instanceof Element ? target.closest(selector) : null;
}

/**
 * Resolves with the first element that matches, now or as soon as the page has one.
 * @template {string} Selector
 * @param {Selector} selector
 * @returns {Promise<Found<Selector>>}
 */
export function appears(selector) {
  return new Promise((resolve) => {
    const present = find(selector);
    if (present) return resolve(present);
    const observer = new MutationObserver(() => {
      const found = find(selector);
      if (!found) return;
      observer.disconnect();
      resolve(found);
    });
    observer.observe(document.documentElement, { childList: true, subtree: true });
  });
}

// A page in the background is drawn no more, but its title and its queue go on.
const BACKGROUND_MS = 250;

/**
 * Resolves before the page is drawn next, or a moment later where it is not drawn.
 * @returns {Promise<void>}
 */
export function nextFrame() {
  return new Promise((resolve) => {
    requestAnimationFrame(() => resolve());
    setTimeout(resolve, BACKGROUND_MS);
  });
}

/**
 * Runs `look` now and after each change below the element, at most once a frame.
 * @param {Node} element
 * @param {() => void} look
 * @param {MutationObserverInit} [options]
 */
export function onChange(element, look, options = { childList: true, subtree: true }) {
  let planned = false;
  new MutationObserver(() => {
    if (planned) return;
    planned = true;
    void nextFrame().then(() => {
      planned = false;
      look();
    });
  }).observe(element, options);
  look();
}

/**
 * Whether an element takes up space on the page.
 * @param {Element | null | undefined} element
 */
export function isShown(element) {
  return Boolean(element?.getClientRects().length);
}

/**
 * Runs `act` once, when a top-level tab is shown. It asks for no sizes: while the page is drawn, each would have all
 * of it laid out.
 * @param {HTMLElement} panel
 * @param {() => void} act
 */
export function onceChosen(panel, act) {
  let isDone = false;
  onChange(panel, () => {
    if (isDone || panel.style.display !== "block") return;
    isDone = true;
    act();
  }, { attributes: true, attributeFilter: ["style"] });
}

/**
 * Gives a text field a value as if it had been typed.
 * @param {HTMLInputElement | HTMLTextAreaElement | null} field
 * @param {string} text
 */
export function type(field, text) {
  if (!field) return;
  // As browsers do, so that whoever keeps what stood there before (undo.js) is told in time.
  field.dispatchEvent(new InputEvent("beforeinput", { bubbles: true, inputType: "insertReplacementText" }));
  field.value = text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

/**
 * All settings by option key, as the server last told them.
 * @returns {Record<string, any>}
 */
export function settings() {
  const text = find("#settings_json textarea")?.value;
  return text ? JSON.parse(text) : {};
}

/**
 * Adds functions to the one global object of the page.
 * @param {Partial<Webui>} functions
 */
export function publish(functions) {
  window.webui = Object.assign(window.webui ?? {}, functions);
}

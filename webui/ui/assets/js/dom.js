// Finding things in the page and waiting for them. Other modules import from here.

export const PROMPTS = "[id$='_prompt'].prompt textarea, [id$='_neg_prompt'].prompt textarea";

/** The first element that matches, or null. */
export function find(selector) {
  return document.querySelector(selector);
}

/** Resolves with the first element that matches, now or as soon as the page has one. */
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

/** Runs `look` now and after each change below the element, at most once a frame. */
export function onChange(element, look, options = { childList: true, subtree: true }) {
  let planned = false;
  new MutationObserver(() => {
    if (planned) return;
    planned = true;
    requestAnimationFrame(() => {
      planned = false;
      look();
    });
  }).observe(element, options);
  look();
}

/** Whether an element takes up space on the page. */
export function isShown(element) {
  return Boolean(element?.getClientRects().length);
}

/** Gives a text field a value as if it had been typed. */
export function type(field, text) {
  field.value = text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

/** All settings by option key, as the server last told them. */
export function settings() {
  const text = find("#settings_json textarea")?.value;
  return text ? JSON.parse(text) : {};
}

/** Adds functions to the one global object of the page. */
export function publish(functions) {
  window.webui = Object.assign(window.webui ?? {}, functions);
}

// Strips of tabs by keyboard: one stop for Tab, arrows and Home and End inside. For strips of extensions and Gradio too.
import { closest, findAll, isShown } from "./dom.js";

/**
 * Marks one of the buttons of a strip as chosen, and each panel as what its button shows.
 * @param {Element} strip
 * @param {(button: HTMLElement) => boolean} isChosen
 */
export function markChosen(strip, isChosen) {
  for (const button of findAll(":scope > [role=tab]", strip)) {
    const chosen = isChosen(button);
    button.classList.toggle("selected", chosen);
    button.setAttribute("aria-selected", String(chosen));
    button.tabIndex = chosen ? 0 : -1;
  }
}

/**
 * Says that a button shows a panel.
 * @param {Element} button
 * @param {Element | null | undefined} panel
 */
export function connect(button, panel) {
  if (!panel) return;
  button.id ||= `${panel.id}-button`;
  button.setAttribute("aria-controls", panel.id);
  panel.setAttribute("role", "tabpanel");
  panel.setAttribute("aria-labelledby", button.id);
}

/** How far each key goes. @type {Record<string, (at: number, count: number) => number>} */
const STEPS = {
  ArrowRight: (at, count) => (at + 1) % count,
  ArrowLeft: (at, count) => (at + count - 1) % count,
  Home: () => 0,
  End: (_, count) => count - 1,
};

document.addEventListener("keydown", (event) => {
  const button = closest(event, "[role=tablist] [role=tab]");
  const step = STEPS[event.key];
  if (!button || !step || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  const all = findAll("[role=tab]", /** @type {Element} */ (button.closest("[role=tablist]"))).filter(isShown);
  const next = all[step(all.indexOf(button), all.length)];
  event.preventDefault();
  // First, so that a question that the click asks can give it back.
  next.focus();
  next.click();
});

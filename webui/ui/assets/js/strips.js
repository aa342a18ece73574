// Strips of tabs that are wider than their place show on which side there is more; see css/strips.css.
import { findAll, onChange } from "./dom.js";

const STRIPS = ".tab-nav";

function tell(/** @type {HTMLElement} */ strip) {
  const hidden = strip.scrollWidth - strip.clientWidth;
  strip.classList.toggle("more-left", strip.scrollLeft > 1);
  strip.classList.toggle("more-right", hidden - strip.scrollLeft > 1);
}

document.addEventListener("scroll", ({ target }) => {
  if (target instanceof HTMLElement && target.matches(STRIPS)) tell(target);
}, { capture: true, passive: true });
document.addEventListener("click", ({ target }) => {
  // A tab that was half out of sight comes in whole.
  const tab = target instanceof Element ? target.closest(`${STRIPS} > button`) : null;
  tab?.scrollIntoView({ block: "nearest", inline: "center" });
});
const sizes = new ResizeObserver((entries) => {
  for (const { target } of entries) if (target instanceof HTMLElement) tell(target);
});
onChange(document.body, () => {
  for (const strip of findAll(`${STRIPS}:not([data-told])`)) {
    strip.dataset.told = "true";
    sizes.observe(strip);
  }
});

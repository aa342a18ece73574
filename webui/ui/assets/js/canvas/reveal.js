// Brings a canvas into sight with its tools, so that one paints without scrolling first. Other modules import from here.
import { findAll, isShown, nextFrame } from "../dom.js";

const MARGIN_PX = 8;

/** Where the window's free part ends: on narrow screens Generate's bar lies over its lower edge. */
function lowerEdge() {
  const bar = findAll(".generate-bar").find(isShown);
  const top = bar && getComputedStyle(bar).position === "fixed" ? bar.getBoundingClientRect().top : innerHeight;
  return top > innerHeight / 2 ? Math.min(top, innerHeight) : innerHeight;
}

/**
 * How far to scroll so that all of a canvas is in sight, and the strip of modes above it where there is room.
 * @param {{top: number, bottom: number}} canvas
 * @param {number} strip where the strip begins
 * @param {number} lower where the window's free part ends
 */
export function distanceTo({ top, bottom }, strip, lower) {
  if (top >= 0 && bottom <= lower) return 0;
  const begin = [strip, top].find((edge) => bottom - edge <= lower - 2 * MARGIN_PX) ?? top;
  return begin - MARGIN_PX;
}

/**
 * Scrolls to a canvas unless all of it is in sight, as soon as the page has given it its size.
 * @param {HTMLElement} canvas
 */
export async function reveal(canvas) {
  await nextFrame();
  await nextFrame();
  if (!isShown(canvas)) return;
  const box = canvas.getBoundingClientRect();
  const strip = canvas.closest(".sub-tabs")?.getBoundingClientRect().top ?? box.top;
  scrollBy({ top: distanceTo(box, strip, lowerEdge()), behavior: "instant" });
}

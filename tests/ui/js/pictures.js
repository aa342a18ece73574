// Small pictures for the canvases of the tests.
import { contextOf, makeSurface } from "../../../webui/ui/assets/js/canvas/layers.js";

export const COLOURS = ["#ff0000", "#00ff00", "#0000ff", "#ffffff", "#000000"];

/**
 * A picture as the base of a canvas; `paint` draws it.
 * @param {number} width
 * @param {number} height
 * @param {(context: CanvasRenderingContext2D) => void} paint
 */
export function makeBase(width, height, paint) {
  const surface = makeSurface(width, height);
  paint(contextOf(surface));
  const bitmap = /** @type {ImageBitmap} */ (/** @type {unknown} */ (surface));
  return { bitmap, blob: new Blob([]), width, height, reference: "" };
}

/**
 * All bytes of a surface, R, G, B and A of each pixel.
 * @param {Surface} surface
 */
export function pixelsOf(surface) {
  return contextOf(surface).getImageData(0, 0, surface.width, surface.height).data;
}

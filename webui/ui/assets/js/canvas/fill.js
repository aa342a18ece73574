// The bucket: what is alike around a point. In a sketch that is one colour; in a mask, what lies inside an outline.
import { baseOf, compose, contextOf, makeSurface } from "./layers.js";

// Larger pictures are looked at smaller; nobody fills by the pixel there.
const MOST_PIXELS = 4_000_000;
const TOLERANCE = 32;

/**
 * A surface with `colour` on everything that is joined to the point and alike, or null where the point lies outside.
 * @param {CanvasContent} state
 * @param {Point} point
 * @param {string} colour
 * @param {boolean} isMask whether only the paint counts, not the picture below it
 * @returns {Surface | null}
 */
export function floodFill(state, point, colour, isMask) {
  const { width, height } = baseOf(state);
  if (point.x < 0 || point.y < 0 || point.x >= width || point.y >= height) return null;
  const scale = Math.min(Math.sqrt(MOST_PIXELS / (width * height)), 1);
  const seen = compose(state, scale, !isMask);
  const image = contextOf(seen).getImageData(0, 0, seen.width, seen.height);
  const reached = findReached(image, Math.floor(point.x * scale), Math.floor(point.y * scale));
  return colourReached(reached, seen.width, seen.height, colour);
}

/**
 * 1 for every pixel that is reached, by lines from the start.
 * @param {{data: Uint8ClampedArray, width: number, height: number}} image
 * @param {number} startX
 * @param {number} startY
 */
function findReached({ data, width, height }, startX, startY) {
  const reached = new Uint8Array(width * height);
  const start = (startY * width + startX) * 4;
  const wanted = [data[start], data[start + 1], data[start + 2], data[start + 3]];
  const alike = (/** @type {number} */ index) => {
    const at = index * 4;
    // Colours of transparent pixels are of no account.
    if (wanted[3] === 0) return data[at + 3] < 128;
    for (let part = 0; part < 4; part++) if (Math.abs(data[at + part] - wanted[part]) > TOLERANCE) return false;
    return true;
  };
  const free = (/** @type {number} */ index) => !reached[index] && alike(index);
  const waiting = [startY * width + startX];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    if (reached[at]) continue;
    const row = at - (at % width);
    let [left, right] = [at, at];
    while (left > row && free(left - 1)) left--;
    while (right < row + width - 1 && free(right + 1)) right++;
    reached.fill(1, left, right + 1);
    for (const next of [-width, width]) {
      if (row + next < 0 || row + next >= width * height) continue;
      for (let index = left + next, open = false; index <= right + next; index++) {
        const isFree = free(index);
        if (isFree && !open) waiting.push(index);
        open = isFree;
      }
    }
  }
  return reached;
}

/**
 * The reached pixels and their neighbours, so that no seam stays at a smooth edge.
 * @param {Uint8Array} reached
 * @param {number} width
 * @param {number} height
 * @param {string} colour
 */
function colourReached(reached, width, height, colour) {
  const plain = makeSurface(width, height);
  const context = contextOf(plain);
  const image = context.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  for (let index = 0; index < reached.length; index++) if (reached[index]) pixels[index] = 0xff000000;
  context.putImageData(image, 0, 0);
  const wide = makeSurface(width, height);
  const wider = contextOf(wide);
  for (const [dx, dy] of [[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1]]) wider.drawImage(plain, dx, dy);
  wider.globalCompositeOperation = "source-in";
  wider.fillStyle = colour;
  wider.fillRect(0, 0, width, height);
  return wide;
}

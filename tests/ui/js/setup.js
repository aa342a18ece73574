// Canvases that really draw, in the page without a browser that the tests run in.
import { createCanvas, loadImage } from "@napi-rs/canvas";

/** A canvas as a browser makes it; its files are of the page's own class. */
function makeCanvas() {
  const canvas = createCanvas(1, 1);
  const toBlob = (/** @type {(blob: Blob) => void} */ done) => done(new Blob([new Uint8Array(canvas.toBuffer("image/png"))]));
  return Object.assign(canvas, { toBlob });
}

const createElement = document.createElement.bind(document);
Object.assign(document, {
  createElement: (/** @type {string} */ name) => (name === "canvas" ? makeCanvas() : createElement(name)),
});
Object.assign(globalThis, {
  createImageBitmap: async (/** @type {Blob} */ blob) => loadImage(new Uint8Array(await blob.arrayBuffer())),
});

// Canvases that really draw, in the page without a browser that the tests run in.
import { createCanvas, loadImage } from "@napi-rs/canvas";

const createElement = document.createElement.bind(document);
Object.assign(document, {
  createElement: (/** @type {string} */ name) => (name === "canvas" ? createCanvas(1, 1) : createElement(name)),
});
Object.assign(globalThis, {
  createImageBitmap: async (/** @type {Blob} */ blob) => loadImage(new Uint8Array(await blob.arrayBuffer())),
});

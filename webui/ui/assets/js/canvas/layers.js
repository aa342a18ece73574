// A picture with layers to paint on, and what the server gets of it.

// What is masked is shown in one of these; what counts is only where it is.
const MASK_COLOURS = ["#ff5a36", "#1e90ff", "#35d04a"];

/**
 * A transparent surface of this size in pixels.
 * @param {number} width
 * @param {number} height
 * @returns {Surface}
 */
export function makeSurface(width, height) {
  const surface = document.createElement("canvas");
  surface.width = width;
  surface.height = height;
  return surface;
}

/**
 * What draws on a surface.
 * @param {Surface} surface
 */
export function contextOf(surface) {
  const context = surface.getContext("2d");
  if (!context) throw new Error("The browser has no memory left for a picture of this size. Close other pages, or take a smaller one.");
  return context;
}

/**
 * The surface as a PNG file.
 * @param {Surface} surface
 * @returns {Promise<Blob>}
 */
export function pngOf(surface) {
  return new Promise((resolve, reject) => {
    surface.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("The browser has no memory left."))), "image/png");
  });
}

/**
 * One layer: what is painted, how opaque it is, and whether it shows.
 * @param {number} width
 * @param {number} height
 * @param {string} name
 * @returns {Layer}
 */
export function makeLayer(width, height, name) {
  return { surface: makeSurface(width, height), name, opacity: 1, visible: true };
}

/**
 * What a canvas holds: the picture below, layers from bottom to top, and which of them is painted on.
 * @param {Base | null} base
 * @returns {CanvasContent}
 */
export function makeState(base) {
  return { base, layers: base ? [makeLayer(base.width, base.height, "Layer 1")] : [], active: 0 };
}

/**
 * The picture below the paint; only to be asked for where there is one.
 * @param {CanvasContent} state
 */
export function baseOf({ base }) {
  if (!base) throw new Error("There is no picture on this canvas. Drop one there first.");
  return base;
}

/**
 * The layer that is painted on, or null.
 * @param {CanvasContent} state
 */
export function activeLayer(state) {
  return state.layers[state.active] ?? null;
}

/**
 * Draws the layers that show, scaled as the context is; `strength` dims all of them.
 * @param {CanvasRenderingContext2D} context
 * @param {CanvasContent} state
 * @param {number} [strength]
 */
export function drawLayers(context, state, strength = 1) {
  for (const layer of state.layers) {
    if (!layer.visible) continue;
    context.globalAlpha = layer.opacity * strength;
    context.drawImage(layer.surface, 0, 0);
  }
  context.globalAlpha = 1;
}

/**
 * Picture and paint together, `scale` times as large.
 * @param {CanvasContent} state
 * @param {number} [scale]
 * @param {boolean} [withBase]
 */
export function compose(state, scale = 1, withBase = true) {
  const { bitmap, width, height } = baseOf(state);
  const surface = makeSurface(Math.max(Math.round(width * scale), 1), Math.max(Math.round(height * scale), 1));
  const context = contextOf(surface);
  context.scale(surface.width / width, surface.height / height);
  if (withBase) context.drawImage(bitmap, 0, 0);
  drawLayers(context, state);
  return surface;
}

/**
 * White where something is painted, grey where it is half opaque, on black.
 * @param {CanvasContent} state
 */
export function maskOf(state) {
  const surface = compose(state, 1, false);
  const context = contextOf(surface);
  context.globalCompositeOperation = "source-in";
  context.fillStyle = "#fff";
  context.fillRect(0, 0, surface.width, surface.height);
  context.globalCompositeOperation = "destination-over";
  context.fillStyle = "#000";
  context.fillRect(0, 0, surface.width, surface.height);
  return surface;
}

/**
 * Whether anything is painted on a surface. Looks at bands, so that large surfaces need little memory.
 * @param {Surface} surface
 */
export function isBlank(surface) {
  const context = contextOf(surface);
  const band = 256;
  for (let top = 0; top < surface.height; top += band) {
    const { data } = context.getImageData(0, top, surface.width, Math.min(band, surface.height - top));
    if (new Uint32Array(data.buffer).some((pixel) => pixel >>> 24)) return false;
  }
  return true;
}

/**
 * Whether no layer that shows has paint on it.
 * @param {CanvasContent} state
 */
export function hasNoPaint(state) {
  return state.layers.every((layer) => !layer.visible || !layer.opacity || isBlank(layer.surface));
}

/**
 * Paints `colour` on a surface where the picture is transparent. Gives whether there was anything to paint.
 * @param {Surface} surface
 * @param {ImageBitmap} bitmap
 * @param {string} colour
 */
export function paintTransparency(surface, bitmap, colour) {
  const context = contextOf(surface);
  context.fillStyle = colour;
  context.fillRect(0, 0, surface.width, surface.height);
  context.globalCompositeOperation = "destination-out";
  context.drawImage(bitmap, 0, 0);
  context.globalCompositeOperation = "source-over";
  return !isBlank(surface);
}

/**
 * Paints `colour` where a surface is transparent, and clears it where it is painted.
 * @param {Surface} surface
 * @param {string} colour
 */
export function invert(surface, colour) {
  const context = contextOf(surface);
  context.globalCompositeOperation = "xor";
  context.fillStyle = colour;
  context.fillRect(0, 0, surface.width, surface.height);
  context.globalCompositeOperation = "source-over";
}

/**
 * Of some strong colours the one that differs most from a picture's average, so that a mask is seen on it.
 * @param {ImageBitmap} bitmap
 */
export function findContrastingColour(bitmap) {
  const pixel = contextOf(makeSurface(1, 1));
  pixel.drawImage(bitmap, 0, 0, 1, 1);
  const average = pixel.getImageData(0, 0, 1, 1).data;
  const distance = (/** @type {string} */ colour) => [0, 1, 2].reduce((sum, part) => sum + Math.abs(parseInt(colour.slice(1 + 2 * part, 3 + 2 * part), 16) - average[part]), 0);
  return MASK_COLOURS.reduce((best, colour) => (distance(colour) > distance(best) ? colour : best));
}

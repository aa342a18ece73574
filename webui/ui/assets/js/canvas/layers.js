// A picture with layers to paint on, and what the server gets of it.

// What is masked is shown in one of these; what counts is only where it is.
const MASK_COLOURS = ["#ff5a36", "#1e90ff", "#35d04a"];

/** A transparent surface of this size in pixels. */
export function makeSurface(width, height) {
  const surface = document.createElement("canvas");
  surface.width = width;
  surface.height = height;
  return surface;
}

/** The surface as a PNG file. */
export function pngOf(surface) {
  return new Promise((resolve, reject) => {
    surface.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("The browser has no memory left."))), "image/png");
  });
}

/** One layer: what is painted, how opaque it is, and whether it shows. */
export function makeLayer(width, height, name) {
  return { surface: makeSurface(width, height), name, opacity: 1, visible: true };
}

/**
 * What a canvas holds: the picture below, layers from bottom to top, and which of them is painted on.
 * @param base {{bitmap, blob, width, height, reference} | null}
 */
export function makeState(base) {
  return { base, layers: base ? [makeLayer(base.width, base.height, "Layer 1")] : [], active: 0 };
}

export function activeLayer(state) {
  return state.layers[state.active] ?? null;
}

/** Draws the layers that show, scaled as the context is; `strength` dims all of them. */
export function drawLayers(context, state, strength = 1) {
  for (const layer of state.layers) {
    if (!layer.visible) continue;
    context.globalAlpha = layer.opacity * strength;
    context.drawImage(layer.surface, 0, 0);
  }
  context.globalAlpha = 1;
}

/** Picture and paint together, `scale` times as large. */
export function painted(state, scale = 1, withBase = true) {
  const { width, height } = state.base;
  const surface = makeSurface(Math.max(Math.round(width * scale), 1), Math.max(Math.round(height * scale), 1));
  const context = surface.getContext("2d");
  context.scale(surface.width / width, surface.height / height);
  if (withBase) context.drawImage(state.base.bitmap, 0, 0);
  drawLayers(context, state);
  return surface;
}

/** White where something is painted, grey where it is half opaque, on black. */
export function maskOf(state) {
  const surface = painted(state, 1, false);
  const context = surface.getContext("2d");
  context.globalCompositeOperation = "source-in";
  context.fillStyle = "#fff";
  context.fillRect(0, 0, surface.width, surface.height);
  context.globalCompositeOperation = "destination-over";
  context.fillStyle = "#000";
  context.fillRect(0, 0, surface.width, surface.height);
  return surface;
}

/** Whether anything is painted on a surface. Looks at bands, so that large surfaces need little memory. */
export function isBlank(surface) {
  const context = surface.getContext("2d");
  const band = 256;
  for (let top = 0; top < surface.height; top += band) {
    const { data } = context.getImageData(0, top, surface.width, Math.min(band, surface.height - top));
    if (new Uint32Array(data.buffer).some((pixel) => pixel >>> 24)) return false;
  }
  return true;
}

/** Whether no layer that shows has paint on it. */
export function hasNoPaint(state) {
  return state.layers.every((layer) => !layer.visible || !layer.opacity || isBlank(layer.surface));
}

/** Paints `colour` on a surface where the picture is transparent. Gives whether there was anything to paint. */
export function paintTransparency(surface, bitmap, colour) {
  const context = surface.getContext("2d");
  context.fillStyle = colour;
  context.fillRect(0, 0, surface.width, surface.height);
  context.globalCompositeOperation = "destination-out";
  context.drawImage(bitmap, 0, 0);
  context.globalCompositeOperation = "source-over";
  return !isBlank(surface);
}

/** Paints `colour` where a surface is transparent, and clears it where it is painted. */
export function invert(surface, colour) {
  const context = surface.getContext("2d");
  context.globalCompositeOperation = "xor";
  context.fillStyle = colour;
  context.fillRect(0, 0, surface.width, surface.height);
  context.globalCompositeOperation = "source-over";
}

/** Of some strong colours the one that differs most from a picture's average, so that a mask is seen on it. */
export function contrasting(bitmap) {
  const pixel = makeSurface(1, 1).getContext("2d");
  pixel.drawImage(bitmap, 0, 0, 1, 1);
  const average = pixel.getImageData(0, 0, 1, 1).data;
  const distance = (colour) => [0, 1, 2].reduce((sum, part) => sum + Math.abs(parseInt(colour.slice(1 + 2 * part, 3 + 2 * part), 16) - average[part]), 0);
  return MASK_COLOURS.reduce((best, colour) => (distance(colour) > distance(best) ? colour : best));
}

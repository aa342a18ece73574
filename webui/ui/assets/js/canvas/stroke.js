// A stroke: paint goes onto a surface of its own, and from there, once, onto the layer, so that a stroke that crosses
// itself is no more opaque there.
import { crop, PaintStep } from "./history.js";
import { contextOf, makeSurface } from "./layers.js";
import { union } from "./view.js";

/** Surfaces that are used again from stroke to stroke, of one size. */
export class Scratch {
  paint = makeSurface(1, 1);
  before = makeSurface(1, 1);

  /**
   * @param {number} width
   * @param {number} height
   */
  surfaces(width, height) {
    if (this.paint.width !== width || this.paint.height !== height) {
      this.paint = makeSurface(width, height);
      this.before = makeSurface(width, height);
    }
    for (const surface of [this.paint, this.before]) contextOf(surface).clearRect(0, 0, width, height);
    return { paint: this.paint, before: this.before };
  }
}

export class Stroke {
  /**
   * `brush`: {size, opacity, colour, erases}, the size being a diameter in the picture's pixels.
   * @param {Layer} layer
   * @param {Brush} brush
   * @param {Scratch} scratch
   */
  constructor(layer, brush, scratch) {
    this.layer = layer;
    this.brush = brush;
    this.area = /** @type {Area | null} */ (null);
    this.points = /** @type {Point[]} */ ([]);
    const { paint, before } = scratch.surfaces(layer.surface.width, layer.surface.height);
    this.paint = paint;
    this.before = before;
    contextOf(this.before).drawImage(layer.surface, 0, 0);
  }

  /**
   * Goes on to a point; gives the rectangle that changed, or null.
   * @param {Point} point
   */
  extend(point) {
    const from = this.points.at(-1) ?? point;
    this.points.push(point);
    const context = contextOf(this.paint);
    Object.assign(context, { lineCap: "round", lineJoin: "round", lineWidth: this.brush.size, strokeStyle: this.brush.colour });
    context.beginPath();
    context.moveTo(from.x, from.y);
    context.lineTo(point.x, point.y);
    context.stroke();
    const reach = this.brush.size / 2 + 2;
    return this.apply(boundsOf([from, point], reach));
  }

  /**
   * Fills the outline through these points.
   * @param {Point[]} points
   */
  fillOutline(points) {
    const context = contextOf(this.paint);
    context.fillStyle = this.brush.colour;
    context.beginPath();
    for (const { x, y } of points) context.lineTo(x, y);
    context.closePath();
    context.fill();
    return this.apply(boundsOf(points, 2));
  }

  /**
   * Takes paint from another surface, stretched over the whole.
   * @param {Surface} surface
   */
  stamp(surface) {
    const { width, height } = this.paint;
    contextOf(this.paint).drawImage(surface, 0, 0, width, height);
    return this.apply({ x: 0, y: 0, width, height });
  }

  /**
   * Brings the paint within a rectangle onto the layer.
   * @param {Area} wanted
   */
  apply(wanted) {
    const area = clip(wanted, this.layer.surface);
    if (!area) return null;
    const context = contextOf(this.layer.surface);
    const { x, y, width, height } = area;
    context.save();
    context.clearRect(x, y, width, height);
    context.drawImage(this.before, x, y, width, height, x, y, width, height);
    context.globalAlpha = this.brush.opacity;
    if (this.brush.erases) context.globalCompositeOperation = "destination-out";
    context.drawImage(this.paint, x, y, width, height, x, y, width, height);
    context.restore();
    this.area = union(this.area, area);
    return area;
  }

  /** The step for the history; null where nothing was changed. */
  finish() {
    if (!this.area) return null;
    return new PaintStep(this.layer, this.area, crop(this.before, this.area), crop(this.layer.surface, this.area));
  }

  /** Takes it all back; gives the rectangle that changed. */
  cancel() {
    if (!this.area) return null;
    const { x, y, width, height } = this.area;
    const context = contextOf(this.layer.surface);
    context.clearRect(x, y, width, height);
    context.drawImage(this.before, x, y, width, height, x, y, width, height);
    return this.area;
  }
}

/**
 * The rectangle around points, `reach` wider on each side.
 * @param {Point[]} points
 * @param {number} reach
 */
export function boundsOf(points, reach) {
  const [xs, ys] = [points.map((point) => point.x), points.map((point) => point.y)];
  const [x, y] = [Math.min(...xs) - reach, Math.min(...ys) - reach];
  return { x, y, width: Math.max(...xs) + reach - x, height: Math.max(...ys) + reach - y };
}

/**
 * The part of a rectangle that lies on a surface, in whole pixels; null if none.
 * @param {Area} area
 * @param {Surface} surface
 */
function clip(area, surface) {
  const [x, y] = [Math.max(Math.floor(area.x), 0), Math.max(Math.floor(area.y), 0)];
  const right = Math.min(Math.ceil(area.x + area.width), surface.width);
  const bottom = Math.min(Math.ceil(area.y + area.height), surface.height);
  return right > x && bottom > y ? { x, y, width: right - x, height: bottom - y } : null;
}

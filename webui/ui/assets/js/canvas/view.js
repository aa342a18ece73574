// What is seen of a picture: where it lies, how large, and drawing it, no more of it than changed.
import { contextOf, drawLayers } from "./layers.js";
import { NO_ROOM } from "./room.js";

const [LEAST, MOST] = [0.02, 40];
// Above this a pixel of the picture is worth seeing as a square.
const SQUARES_FROM = 4;
const MASK_STRENGTH = 0.6;
const SMALL_SIDE = 1600;
// Beside a frame, for hands to take hold of its edges.
const MARGIN = 26;

export class View {
  /**
   * `stage` is the element that the picture lies in; `isMask` shows paint half transparent.
   * @param {HTMLElement} stage
   * @param {boolean} isMask
   */
  constructor(stage, isMask) {
    this.stage = stage;
    this.isMask = isMask;
    /** Pixels of the window for one of the picture, and where the picture's corner lies on the stage. */
    this.scale = 1;
    this.x = 0;
    this.y = 0;
    this.fitted = true;
    this.state = /** @type {CanvasContent | null} */ (null);
    /** What is to be drawn at the next frame. */
    this.area = /** @type {Area | null} */ (null);
    this.small = /** @type {ImageBitmap | null} */ (null);
    /** What is drawn over the picture. */
    this.overlay = /** @type {((context: CanvasRenderingContext2D) => void) | null} */ (null);
    /** Room around the picture that is seen with it, in its pixels. */
    this.room = NO_ROOM;
    this.margin = 0;
    /** Called whenever all of it was drawn anew. @type {(() => void) | null} */
    this.onDraw = null;
    this.screen = document.createElement("canvas");
    this.screen.className = "canvas-screen";
    stage.prepend(this.screen);
    new ResizeObserver(() => this.resize()).observe(stage);
  }

  get ratio() {
    return devicePixelRatio || 1;
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = this.stage;
    if (!width || !height) return;
    this.screen.width = Math.round(width * this.ratio);
    this.screen.height = Math.round(height * this.ratio);
    if (this.fitted) this.fit();
    else this.redraw();
  }

  /**
   * Shows another state, all of the picture.
   * @param {CanvasContent} state
   */
  show(state) {
    const other = state.base !== this.state?.base;
    this.state = state;
    if (other) this.makeSmall();
    if (other) this.fit();
    else this.redraw();
  }

  /** A smaller copy of a large picture: quick to draw and smooth where it is seen as a whole. */
  makeSmall() {
    const base = this.state?.base;
    this.small = null;
    const shrink = base ? SMALL_SIDE / Math.max(base.width, base.height) : 1;
    if (!base || shrink >= 0.7) return;
    const size = { resizeWidth: Math.max(Math.round(base.width * shrink), 1), resizeHeight: Math.max(Math.round(base.height * shrink), 1) };
    createImageBitmap(base.bitmap, { ...size, resizeQuality: "high" }).then((bitmap) => {
      if (this.state?.base !== base) return;
      this.small = bitmap;
      this.redraw();
      // Without memory for it the picture itself is drawn.
    }, () => {});
  }

  fit() {
    const base = this.state?.base;
    this.fitted = true;
    if (base && this.stage.clientWidth) {
      const { clientWidth: width, clientHeight: height } = this.stage;
      const { margin, room } = this;
      const [across, down] = this.whole(base);
      this.scale = Math.min((width - 2 * margin) / across, (height - 2 * margin) / down, 8);
      this.x = (width - across * this.scale) / 2 + room.left * this.scale;
      this.y = (height - down * this.scale) / 2 + room.up * this.scale;
    }
    this.redraw();
  }

  /**
   * Width and height of a picture with the room around it, in its pixels.
   * @param {Base} base
   */
  whole({ width, height }) {
    const { left, right, up, down } = this.room;
    return [left + width + right, up + height + down];
  }

  /**
   * Shows room around the picture, in its pixels; null for none. `stays` moves the picture only where the room
   * would be out of sight.
   * @param {Room | null} room
   * @param {boolean} [stays]
   */
  surround(room, stays = false) {
    this.room = room ?? NO_ROOM;
    this.margin = room ? MARGIN : 0;
    if (this.fitted && !(stays && this.isInSight())) this.fit();
    else this.redraw();
  }

  /** Whether picture and room lie on the stage. */
  isInSight() {
    const base = this.state?.base;
    if (!base) return true;
    const [across, down] = this.whole(base);
    const [left, top] = [this.x - this.room.left * this.scale, this.y - this.room.up * this.scale];
    const { clientWidth, clientHeight } = this.stage;
    return left >= 0 && top >= 0 && left + across * this.scale <= clientWidth && top + down * this.scale <= clientHeight;
  }

  /**
   * From a place in the window to one in the picture, in its pixels.
   * @param {MouseEvent} event
   */
  toPicture(event) {
    const box = this.stage.getBoundingClientRect();
    return { x: (event.clientX - box.left - this.x) / this.scale, y: (event.clientY - box.top - this.y) / this.scale };
  }

  /**
   * Zooms by a factor; the place in the window stays where it is.
   * @param {number} factor
   * @param {number} [clientX]
   * @param {number} [clientY]
   */
  zoom(factor, clientX, clientY) {
    const box = this.stage.getBoundingClientRect();
    const [left, top] = [(clientX ?? box.left + box.width / 2) - box.left, (clientY ?? box.top + box.height / 2) - box.top];
    const scale = Math.min(Math.max(this.scale * factor, LEAST), MOST);
    this.x = left - ((left - this.x) * scale) / this.scale;
    this.y = top - ((top - this.y) * scale) / this.scale;
    this.scale = scale;
    this.fitted = false;
    this.redraw();
  }

  /**
   * @param {number} dx
   * @param {number} dy
   */
  pan(dx, dy) {
    this.x += dx;
    this.y += dy;
    this.fitted = false;
    this.redraw();
  }

  /** Draws all of it at the next frame. */
  redraw() {
    this.changed({ x: -1e6, y: -1e6, width: 2e6, height: 2e6 });
  }

  /**
   * Draws a rectangle of the picture at the next frame; several within a frame become one.
   * @param {Area} area
   */
  changed(area) {
    if (!this.area) requestAnimationFrame(() => this.draw());
    this.area = union(this.area, area);
  }

  draw() {
    const { area } = this;
    this.area = null;
    if (!area) return;
    const context = contextOf(this.screen);
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    context.save();
    context.beginPath();
    // A pixel more on each side, for smoothing.
    const reach = this.scale + 2;
    context.rect(this.x + area.x * this.scale - reach, this.y + area.y * this.scale - reach, area.width * this.scale + 2 * reach, area.height * this.scale + 2 * reach);
    context.clip();
    context.clearRect(0, 0, this.screen.width, this.screen.height);
    if (this.state?.base) this.drawPicture(context, this.state, this.state.base);
    context.restore();
    this.onDraw?.();
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {CanvasContent} state
   * @param {Base} base
   */
  drawPicture(context, state, base) {
    context.translate(this.x, this.y);
    context.scale(this.scale, this.scale);
    context.beginPath();
    context.rect(0, 0, base.width, base.height);
    context.clip();
    context.imageSmoothingEnabled = this.scale < SQUARES_FROM;
    const isEnough = this.small && base.width * this.scale * this.ratio <= this.small.width;
    context.drawImage(this.small && isEnough ? this.small : base.bitmap, 0, 0, base.width, base.height);
    drawLayers(context, state, this.isMask ? MASK_STRENGTH : 1);
    this.overlay?.(context);
  }
}

/**
 * The smallest rectangle around two; either may be null.
 * @param {Area | null} one
 * @param {Area} other
 */
export function union(one, other) {
  if (!one || !other) return one ?? other;
  const [x, y] = [Math.min(one.x, other.x), Math.min(one.y, other.y)];
  const right = Math.max(one.x + one.width, other.x + other.width);
  const bottom = Math.max(one.y + one.height, other.y + other.height);
  return { x, y, width: right - x, height: bottom - y };
}

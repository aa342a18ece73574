// Mouse, pen and fingers on a canvas: strokes, panning, pinching, the wheel.
import { closest } from "../dom.js";
import { begin, commit, fillAt, fillOutline } from "./paint.js";
import { boundsOf } from "./stroke.js";

/** @import { Board } from "./board.js" */
/** @import { Stroke } from "./stroke.js" */

const ZOOM_STEP = 1.15;
const SHARE_STEP = 2;
const [LEAST_SHARE, MOST_SHARE] = [1, 100];

export class Hand {
  /**
   * `held` tells which keys are down that make the pointer pan.
   * @param {Board} board
   * @param {HTMLElement} stage
   * @param {{pan: boolean, follow: boolean}} held
   */
  constructor(board, stage, held) {
    this.board = board;
    this.stage = stage;
    this.held = held;
    this.pointers = /** @type {Map<number, PointerEvent>} */ (new Map());
    this.stroke = /** @type {Stroke | null} */ (null);
    /** What the lasso circled so far. */
    this.outline = /** @type {Point[] | null} */ (null);
    this.pinch = /** @type {Point & {distance: number} | null} */ (null);
    /** In the window, where panning has come to. */
    this.panning = /** @type {Point | null} */ (null);
    stage.addEventListener("pointerdown", (event) => this.down(event));
    stage.addEventListener("pointermove", (event) => this.move(event));
    stage.addEventListener("pointerup", (event) => this.up(event));
    stage.addEventListener("pointercancel", (event) => this.up(event));
    stage.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    board.view.overlay = (context) => this.drawOutline(context);
  }

  /** @param {PointerEvent} event */
  down(event) {
    if (closest(event, "button, a, input, select")) return;
    const { board } = this;
    if (!board.state.base) return;
    this.pointers.set(event.pointerId, event);
    this.stage.setPointerCapture?.(event.pointerId);
    if (this.pointers.size === 2) return this.beginPinch();
    if (this.pointers.size > 2) return;
    if (event.button === 1 || this.held.pan || !board.canPaint) {
      if (event.button === 1) event.preventDefault();
      this.panning = { x: event.clientX, y: event.clientY };
      return;
    }
    if (event.button !== 0) return;
    event.preventDefault();
    this.use(board.view.toPicture(event));
  }

  /**
   * The chosen tool, at a point of the picture.
   * @param {Point} point
   */
  use(point) {
    const { board } = this;
    if (board.tool === "picker") return board.tell("pick", point);
    if (board.tool === "bucket") return fillAt(board, point);
    if (board.tool === "lasso") this.outline = board.paintable() ? [point] : null;
    else this.draw((this.stroke = begin(board)), [point]);
  }

  /**
   * @param {Stroke | null} stroke
   * @param {Point[]} points
   */
  draw(stroke, points) {
    for (const point of points) {
      const area = stroke?.extend(point);
      if (area) this.board.view.changed(area);
    }
  }

  /** @param {PointerEvent} event */
  move(event) {
    const { board } = this;
    if (this.pointers.has(event.pointerId)) this.pointers.set(event.pointerId, event);
    if (this.pinch) return this.movePinch();
    if (this.panning || (this.held.follow && board.state.base)) {
      const from = this.panning ?? { x: event.clientX - event.movementX, y: event.clientY - event.movementY };
      board.view.pan(event.clientX - from.x, event.clientY - from.y);
      if (this.panning) this.panning = { x: event.clientX, y: event.clientY };
      return;
    }
    // All places that the pointer went through since the last frame; some browsers tell none of them.
    const events = event.getCoalescedEvents?.() ?? [];
    const points = (events.length ? events : [event]).map((each) => board.view.toPicture(each));
    if (this.stroke) this.draw(this.stroke, points);
    if (this.outline) {
      this.outline.push(...points);
      board.view.changed(boundsOf(this.outline, 4));
    }
  }

  /** @param {PointerEvent} event */
  up(event) {
    this.pointers.delete(event.pointerId);
    if (this.pinch) {
      if (!this.pointers.size) this.pinch = null;
      return;
    }
    this.panning = null;
    const { board, stroke, outline } = this;
    this.stroke = this.outline = null;
    if (stroke) commit(board, stroke);
    if (outline && outline.length > 2) fillOutline(board, outline);
    if (outline) board.view.redraw();
  }

  beginPinch() {
    this.stroke?.cancel();
    this.stroke = this.outline = this.panning = null;
    this.pinch = this.spread();
    this.board.view.redraw();
  }

  /** Middle and distance of the first two fingers. */
  spread() {
    const [one, other] = [...this.pointers.values()];
    const [dx, dy] = [other.clientX - one.clientX, other.clientY - one.clientY];
    return { x: one.clientX + dx / 2, y: one.clientY + dy / 2, distance: Math.max(Math.hypot(dx, dy), 1) };
  }

  movePinch() {
    if (this.pointers.size < 2 || !this.pinch) return;
    const now = this.spread();
    this.board.view.pan(now.x - this.pinch.x, now.y - this.pinch.y);
    this.board.view.zoom(now.distance / this.pinch.distance, now.x, now.y);
    this.pinch = now;
  }

  /** @param {WheelEvent} event */
  wheel(event) {
    const { board } = this;
    if (!board.state.base || !(event.altKey || event.ctrlKey)) return;
    event.preventDefault();
    const up = event.deltaY < 0;
    if (event.altKey) board.view.zoom(up ? ZOOM_STEP : 1 / ZOOM_STEP, event.clientX, event.clientY);
    else resizeBrush(board, up ? 1 : -1);
  }

  /** @param {CanvasRenderingContext2D} context */
  drawOutline(context) {
    if (!this.outline) return;
    context.beginPath();
    for (const { x, y } of this.outline) context.lineTo(x, y);
    context.closePath();
    context.fillStyle = `${this.board.brush.colour}55`;
    context.fill();
    context.lineWidth = 1.5 / this.board.view.scale;
    context.strokeStyle = this.board.brush.colour;
    context.stroke();
  }
}

/**
 * A larger or smaller brush, by steps.
 * @param {Board} board
 * @param {number} steps
 */
export function resizeBrush(board, steps) {
  const share = board.brush.share + steps * SHARE_STEP;
  board.brush.share = Math.min(Math.max(share, LEAST_SHARE), MOST_SHARE);
  board.tell("brush", undefined);
}

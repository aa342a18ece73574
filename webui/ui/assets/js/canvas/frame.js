// The frame around an extended canvas: where the picture will end, with edges to drag, by keyboard as well.
import { make } from "../controls.js";
import { NO_ROOM, SIDES } from "./room.js";

/** @import { Board } from "./board.js" */

const STEP = 8;
const LARGE_STEP = 64;
const MOST = 2048;
// Which way each side grows, across and down; and its words.
const EDGES = {
  left: { x: -1, y: 0, words: "Left side, pixels" },
  right: { x: 1, y: 0, words: "Right side, pixels" },
  up: { x: 0, y: -1, words: "Upper side, pixels" },
  down: { x: 0, y: 1, words: "Lower side, pixels" },
};
/** @type {Record<string, Point>} */
const ARROWS = { ArrowLeft: { x: -1, y: 0 }, ArrowRight: { x: 1, y: 0 }, ArrowUp: { x: 0, y: -1 }, ArrowDown: { x: 0, y: 1 } };

/**
 * The nearest number of pixels that a side may have.
 * @param {number} pixels
 */
function snap(pixels) {
  return Math.min(Math.max(Math.round(pixels / STEP) * STEP, 0), MOST);
}

/**
 * What a key makes of a side; null for keys that are none of ours. The arrow outwards makes it larger.
 * @param {Side} side
 * @param {number} value
 * @param {{key: string, shiftKey: boolean}} event
 */
export function valueOfKey(side, value, { key, shiftKey }) {
  if (key === "Home") return 0;
  const arrow = ARROWS[key];
  if (!arrow) return null;
  const along = arrow.x * EDGES[side].x + arrow.y * EDGES[side].y;
  // The other two arrows: up is more, down is less, as of any slider.
  const sign = along || (arrow.x || -arrow.y);
  return Math.min(Math.max(value + sign * (shiftKey ? LARGE_STEP : STEP), 0), MOST);
}

export class Frame {
  /**
   * @param {Board} board
   * @param {HTMLElement} stage
   */
  constructor(board, stage) {
    this.board = board;
    this.stage = stage;
    /** In pixels of the result; null while there is no frame. @type {Room | null} */
    this.room = null;
    /** Pixels of the result for one of the picture. */
    this.scale = 1;
    this.drag = /** @type {{side: Side, at: Point, from: number, perPixel: number} | null} */ (null);
    /** The last step of the keyboard, which further presses make larger. @type {RoomStep | null} */
    this.typed = null;
    this.size = make("span", { className: "canvas-frame-size" });
    const [left, right, up, down] = SIDES.map((side) => this.makeEdge(side));
    this.edges = { left, right, up, down };
    this.element = make("div", { className: "canvas-frame", hidden: true }, ...Object.values(this.edges), this.size);
    board.view.onDraw = () => this.place();
  }

  /**
   * Shows room around the picture, in pixels of the result; none with null.
   * @param {Room | null} room
   * @param {number} scale pixels of the result for one of the picture
   * @param {string} size the result's, in words
   */
  show(room, scale, size) {
    const same = (this.room === room || (room && this.room && SIDES.every((side) => room[side] === this.room?.[side])));
    this.size.textContent = size;
    if (same && this.scale === scale) return;
    this.room = room;
    this.scale = scale;
    for (const side of SIDES) this.edges[side].setAttribute("aria-valuenow", String(room?.[side] ?? 0));
    this.surround();
  }

  /** The view makes place for it; not below the pointer that drags, unless the frame leaves the stage. */
  surround() {
    const { room, scale } = this;
    const inPicture = room ? { left: room.left / scale, right: room.right / scale, up: room.up / scale, down: room.down / scale } : null;
    this.board.view.surround(inPicture, Boolean(this.drag));
    if (!this.drag) this.board.tell("shape", undefined);
  }

  /** Puts it where the view has the picture now. */
  place() {
    const { view, state } = this.board;
    const { room } = view;
    this.element.hidden = !this.room || !state.base;
    if (this.element.hidden || !state.base) return;
    const px = (/** @type {number} */ pixels) => `${pixels * view.scale}px`;
    Object.assign(this.element.style, {
      left: `${view.x - room.left * view.scale}px`,
      top: `${view.y - room.up * view.scale}px`,
      width: px(state.base.width + room.left + room.right),
      height: px(state.base.height + room.up + room.down),
    });
    for (const side of SIDES) this.element.style.setProperty(`--${side}`, px(room[side]));
  }

  /** @param {Side} side */
  makeEdge(side) {
    const vertical = EDGES[side].x ? "horizontal" : "vertical";
    const attributes = {
      role: "slider",
      "data-side": side,
      "aria-label": EDGES[side].words,
      "aria-orientation": vertical,
      "aria-valuemin": "0",
      "aria-valuemax": String(MOST),
      "aria-valuenow": "0",
    };
    const title = `${EDGES[side].words}: drag, or use the arrow keys`;
    const edge = make("div", { className: "canvas-frame-edge", tabIndex: 0, title, attributes });
    edge.addEventListener("pointerdown", (event) => this.begin(side, event));
    edge.addEventListener("pointermove", (event) => this.move(event));
    edge.addEventListener("pointerup", () => this.end());
    edge.addEventListener("pointercancel", () => this.end());
    edge.addEventListener("keydown", (event) => this.key(side, event));
    return edge;
  }

  /**
   * @param {Side} side
   * @param {PointerEvent} event
   */
  begin(side, event) {
    if (event.button !== 0 || this.drag) return;
    event.preventDefault();
    // The stage would paint.
    event.stopPropagation();
    const edge = this.edges[side];
    edge.setPointerCapture?.(event.pointerId);
    edge.focus({ preventScroll: true });
    const at = { x: event.clientX, y: event.clientY };
    this.drag = { side, at, from: this.valueOf(side), perPixel: this.scale / this.board.view.scale };
  }

  /** @param {PointerEvent} event */
  move(event) {
    if (!this.drag) return;
    const { side, at, from, perPixel } = this.drag;
    const outwards = (event.clientX - at.x) * EDGES[side].x + (event.clientY - at.y) * EDGES[side].y;
    this.put(side, outwards ? snap(from + outwards * perPixel) : from);
  }

  end() {
    if (!this.drag) return;
    const { side, from } = this.drag;
    this.drag = this.typed = null;
    this.note(side, from, this.valueOf(side));
    this.surround();
  }

  /**
   * @param {Side} side
   * @param {KeyboardEvent} event
   */
  key(side, event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const before = this.valueOf(side);
    const value = valueOfKey(side, before, event);
    if (value === null) return;
    event.preventDefault();
    event.stopPropagation();
    this.put(side, value);
    const last = this.board.history.done.at(-1);
    if (this.typed && last === this.typed && this.typed.side === side) this.typed.after = value;
    else this.typed = this.note(side, before, value);
  }

  /** @param {Side} side */
  valueOf(side) {
    return (this.room ?? NO_ROOM)[side];
  }

  /**
   * Tells the form, which shows it here again.
   * @param {Side} side
   * @param {number} value
   */
  put(side, value) {
    if (value !== this.valueOf(side)) this.board.tell("room", { side, value });
  }

  /**
   * A step that undo on this canvas takes back.
   * @param {Side} side
   * @param {number} before
   * @param {number} after
   */
  note(side, before, after) {
    if (before === after) return null;
    /** @type {RoomStep} */
    const step = { side, after, undo: () => this.board.tell("room", { side, value: before }), redo: () => this.board.tell("room", { side, value: step.after }) };
    this.board.history.add(step);
    this.board.touch();
    return step;
  }
}

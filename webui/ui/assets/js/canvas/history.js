// Undo and redo. Steps are kept as the pieces of a layer that they changed; old pieces are packed as PNG.
import { contextOf, makeSurface, pngOf } from "./layers.js";

const MOST_STEPS = 300;
// Unpacked pieces beyond this are packed, the oldest first.
const ROOMY_BYTES = 192 * 2 ** 20;

/**
 * A copy of a part of a surface.
 * @param {Surface} surface
 * @param {Area} area
 */
export function crop(surface, { x, y, width, height }) {
  const piece = makeSurface(width, height);
  contextOf(piece).drawImage(surface, -x, -y);
  return piece;
}

/** A step that changed a rectangle of one layer. */
export class PaintStep {
  /**
   * @param {Layer} layer
   * @param {Area} area
   * @param {Surface} before
   * @param {Surface} after
   */
  constructor(layer, area, before, after) {
    this.layer = layer;
    this.area = area;
    this.before = /** @type {Surface | Blob} */ (before);
    this.after = /** @type {Surface | Blob} */ (after);
    this.bytes = area.width * area.height * 8;
  }

  /** @param {Surface | Blob} piece */
  async put(piece) {
    const source = piece instanceof Blob ? await createImageBitmap(piece) : piece;
    const context = contextOf(this.layer.surface);
    context.clearRect(this.area.x, this.area.y, this.area.width, this.area.height);
    context.drawImage(source, this.area.x, this.area.y);
  }

  undo() {
    return this.put(this.before);
  }

  redo() {
    return this.put(this.after);
  }

  async pack() {
    this.bytes = 0;
    if (!(this.before instanceof Blob)) this.before = await pngOf(this.before);
    if (!(this.after instanceof Blob)) this.after = await pngOf(this.after);
  }
}

export class History {
  /**
   * `changed` is told after each undo and redo.
   * @param {(step: Step) => void} changed
   */
  constructor(changed) {
    this.done = /** @type {Step[]} */ ([]);
    this.undone = /** @type {Step[]} */ ([]);
    this.changed = changed;
    this.last = Promise.resolve();
  }

  /**
   * Notes a step that was just taken: an object with `undo` and `redo`.
   * @param {Step} step
   */
  add(step) {
    this.done.push(step);
    if (this.done.length > MOST_STEPS) this.done.shift();
    this.undone.length = 0;
    this.packOld();
  }

  packOld() {
    let bytes = 0;
    for (const step of [...this.done].reverse()) {
      bytes += step.bytes ?? 0;
      // Out of memory, the piece simply stays as it is.
      if (bytes > ROOMY_BYTES && step.bytes) step.pack?.().catch(() => {});
    }
  }

  undo() {
    return this.move(this.done, this.undone, "undo");
  }

  redo() {
    return this.move(this.undone, this.done, "redo");
  }

  /**
   * One after the other, however fast the keys are pressed.
   * @param {Step[]} from
   * @param {Step[]} to
   * @param {"undo" | "redo"} action
   */
  move(from, to, action) {
    const moved = this.last.then(async () => {
      const step = from.pop();
      if (!step) return;
      try {
        await step[action]();
      } catch (error) {
        // Without memory for its piece the step stays where it was.
        from.push(step);
        throw error;
      }
      to.push(step);
      this.changed(step);
    });
    this.last = moved.catch(() => {});
    return moved;
  }
}

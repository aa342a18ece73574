// What tools and buttons do to the paint of a canvas, each as one step that can be undone.
import { floodFill } from "./fill.js";
import { baseOf, contextOf, invert, paintTransparency } from "./layers.js";
import { Stroke } from "./stroke.js";

/** @import { Board } from "./board.js" */

/**
 * A new stroke of the chosen tool, or null where nothing can be painted on.
 * @param {Board} board
 */
export function begin(board) {
  const layer = board.paintable();
  const { opacity, colour } = board.brush;
  const brush = { size: board.size, opacity, colour, erases: board.tool === "eraser" };
  return layer ? new Stroke(layer, brush, board.scratch) : null;
}

/**
 * A stroke has ended: into the history with it.
 * @param {Board} board
 * @param {Stroke | null} stroke
 */
export function commit(board, stroke) {
  const step = stroke?.finish();
  if (!step) return;
  board.say("");
  board.history.add(step);
  board.touch(step.layer);
}

/**
 * The bucket, at a point.
 * @param {Board} board
 * @param {Point} point
 */
export function fillAt(board, point) {
  const paint = floodFill(board.state, point, board.brush.colour, board.isMask);
  const stroke = paint ? begin(board) : null;
  if (paint) stroke?.stamp(paint);
  commit(board, stroke);
}

/**
 * The lasso, around these points.
 * @param {Board} board
 * @param {Point[]} points
 */
export function fillOutline(board, points) {
  const stroke = begin(board);
  stroke?.fillOutline(points);
  commit(board, stroke);
}

/**
 * Changes a whole layer by a function of its surface.
 * @param {Board} board
 * @param {(surface: Surface) => void} change
 */
function paintAll(board, change) {
  const layer = board.paintable();
  if (!layer) return;
  const stroke = new Stroke(layer, { size: 0, opacity: 1, colour: board.brush.colour, erases: false }, board.scratch);
  stroke.stamp(stroke.paint);
  change(layer.surface);
  commit(board, stroke);
}

/**
 * Wipes the chosen layer.
 * @param {Board} board
 */
export function wipe(board) {
  paintAll(board, (surface) => contextOf(surface).clearRect(0, 0, surface.width, surface.height));
}

/**
 * Paints where nothing is painted, and the other way round.
 * @param {Board} board
 */
export function invertPaint(board) {
  paintAll(board, (surface) => invert(surface, board.brush.colour));
}

/**
 * Masks what is transparent in the picture.
 * @param {Board} board
 */
export function maskTransparency(board) {
  const { bitmap } = baseOf(board.state);
  let found = true;
  paintAll(board, (surface) => (found = paintTransparency(surface, bitmap, board.brush.colour)));
  if (!found) board.say("This picture is opaque everywhere: it has no transparency to take as a mask.");
}

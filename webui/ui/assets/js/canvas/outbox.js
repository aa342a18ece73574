// What leaves a canvas: references for the server, files for other canvases.
import { compose, hasNoPaint, maskOf, pngOf } from "./layers.js";
import { areThere, referenceOf, upload } from "./server.js";

/** @import { Board } from "./board.js" */

/**
 * Picture and paint as one file, for another canvas; nothing without a picture.
 * @param {Board} board
 */
export async function copyOf(board) {
  const { base } = board.state;
  const hasPaint = board.canPaint && !board.isMask && !hasNoPaint(board.state);
  return hasPaint ? pngOf(compose(board.state)) : base?.blob;
}

/**
 * What a canvas holds as files: the picture with its paint, the picture alone, and where paint is, white on black; `mask`
 * is null where nothing is painted. Nothing without a picture.
 * @param {Board} board
 */
export async function filesOf(board) {
  await board.history.last;
  const { state } = board;
  if (!state.base) return null;
  const mask = board.canPaint && !hasNoPaint(state) ? await pngOf(maskOf(state)) : null;
  return { picture: (await copyOf(board)) ?? state.base.blob, original: state.base.blob, mask };
}

/** @param {Surface} surface */
async function sendSurface(surface) {
  return (await upload(await pngOf(surface))).reference;
}

/**
 * References of what the server needs for a picture from here; {} without one. `image` is what to begin with,
 * `original` the picture without paint, `mask` white where paint is.
 * @param {Board} board
 * @returns {Promise<References>}
 */
export async function referencesOf(board) {
  await board.history.last;
  const { state, revision } = board;
  const { base } = state;
  if (!base) return {};
  if (board.sent?.revision === revision && (await areThere(board.sent.told))) return { ...board.sent.told };
  const { width, height } = base;
  /** @type {References} */
  const told = { width, height, original: await referenceOf(base) };
  const hasPaint = board.canPaint && !hasNoPaint(state);
  told.image = hasPaint && !board.isMask ? await sendSurface(compose(state)) : told.original;
  if (hasPaint && board.kind !== "sketch") {
    Object.assign(told, { mask: await sendSurface(maskOf(state)), mask_width: width, mask_height: height });
  }
  board.sent = { revision, told };
  return { ...told };
}

// The size of an extended canvas: the picture, multiplied, with its sides; as the server computes it.

export const SIDES = /** @type {const} */ (["left", "right", "up", "down"]);
export const LARGEST_SIDE = 8192;
const STEP = 8;
const PLACES = { left: "on the left", right: "on the right", up: "above", down: "below" };

/** @type {Room} */
export const NO_ROOM = Object.freeze({ left: 0, right: 0, up: 0, down: 0 });

/** @param {Room} room */
export function hasRoom(room) {
  return SIDES.some((side) => room[side] > 0);
}

/**
 * Pixels that are missing for a multiple of 8.
 * @param {number} length
 */
function missing(length) {
  return Math.ceil(length / STEP) * STEP - length;
}

/**
 * The size of the result, and what was added to sides so that it is a multiple of 8 each way.
 * @param {Room} room
 * @param {number} width
 * @param {number} height
 * @param {number} scale
 */
export function measure(room, width, height, scale) {
  const [inner, innerHeight] = [width, height].map((side) => Math.max(Math.floor(side * scale + 0.5), 1));
  const [across, down] = [room.left + inner + room.right, room.up + innerHeight + room.down];
  const added = { ...NO_ROOM };
  added[room.left && !room.right ? "left" : "right"] = missing(across);
  added[room.up && !room.down ? "up" : "down"] = missing(down);
  return { width: across + missing(across), height: down + missing(down), added };
}

/**
 * What the form says of the size while the canvas is extended.
 * @param {Room} room
 * @param {[number, number] | null} pixels of the picture
 * @param {number} scale
 */
export function describe(room, pixels, scale) {
  if (!pixels) return "The result is the picture with its new sides. Width and Height are not used.";
  const { width, height, added } = measure(room, ...pixels, scale);
  const size = `${width}x${height}`;
  if (Math.max(width, height) > LARGEST_SIDE) return `${size} is too large: ${LARGEST_SIDE} a side is the largest.`;
  const more = SIDES.filter((side) => added[side]).map((side) => `${added[side]} more ${PLACES[side]}`);
  const rounded = more.length ? ` Sides are rounded up to multiples of 8: ${more.join(", ")}.` : "";
  return `${size}: the picture with its new sides. Width and Height are not used.${rounded}`;
}

// Extend canvas: the sides in the form and the frames on the canvases are one; the form says what size results.
import { make } from "./controls.js";
import { appears, find, findAll, nextFrame, type } from "./dom.js";
import { NO_ROOM, SIDES, describe, hasRoom, measure } from "./canvas/room.js";

/** @import { Board } from "./canvas/board.js" */

// Its picture is a mask, which grows with the picture it belongs to.
const MASK = "img_inpaint_mask";
const tab = await appears("#tab_img2img");
const accordion = await appears("#img2img_outpainting");
const words = make("p", { className: "hint outpaint-size", attributes: { role: "status" } });
const known = /** @type {Set<Board>} */ (new Set());

/** @param {Side} side */
function box(side) {
  return find(`#outpaint_${side} input[type=number]`);
}

function isOn() {
  return Boolean(find("#img2img_outpainting-checkbox input[type=checkbox]")?.matches(":checked"));
}

/** The sides as the form has them; what is no number is none. */
function readRoom() {
  const pairs = SIDES.map((side) => [side, Math.max(Math.round(Number(box(side)?.value) || 0), 0)]);
  return /** @type {Room} */ ({ ...NO_ROOM, ...Object.fromEntries(pairs) });
}

/** What "Resize by" multiplies the picture by. */
function readScale() {
  const isBy = find("#img2img_tabs_resize input[value='Resize by']")?.matches(":checked");
  return (isBy && Number(find("#img2img_scale input[type=number]")?.value)) || 1;
}

function tell() {
  const [on, room, scale] = [isOn(), readRoom(), readScale()];
  const grows = on && hasRoom(room);
  const pixels = window.webui.canvasPixels(find("#img2img_mode input:checked")?.value);
  tab.classList.toggle("extends-canvas", grows);
  const sentence = grows ? describe(room, pixels, scale) : "";
  if (words.textContent !== sentence) words.textContent = sentence;
  for (const board of window.webui.canvasBoards?.values() ?? []) show(board, on ? room : null, scale);
}

/**
 * @param {Board} board
 * @param {Room | null} room
 * @param {number} scale
 */
function show(board, room, scale) {
  const { base } = board.state;
  if (board.name === MASK) return;
  if (!known.has(board)) {
    known.add(board);
    board.on("room", ({ side, value }) => write(side, value));
  }
  const size = room && base ? measure(room, base.width, base.height, scale) : null;
  board.frame?.show(size && room, scale, size ? `${size.width}x${size.height}` : "");
}

/**
 * @param {Side} side
 * @param {number} value
 */
function write(side, value) {
  type(box(side), String(value));
  tell();
}

let planned = false;
async function plan() {
  if (planned) return;
  planned = true;
  await nextFrame();
  planned = false;
  tell();
}

(await appears("#img2img_column_size")).append(words);
for (const name of ["input", "change", "click"]) tab.addEventListener(name, plan);
addEventListener("canvas-change", plan);
// What the server writes into the form fires no event, but moves the sliders and opens what is ticked.
const sliders = new MutationObserver(plan);
for (const range of findAll(":is(#img2img_outpainting, #img2img_scale) input[type=range]", tab)) {
  sliders.observe(range, { attributes: true, attributeFilter: ["style"] });
}
new ResizeObserver(plan).observe(accordion);
tell();

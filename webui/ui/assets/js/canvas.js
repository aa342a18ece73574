// The canvases of the page, and what the rest of it may ask of them. Their parts are in js/canvas/.
import { copyOf, filesOf, referencesOf } from "./canvas/outbox.js";
import { CanvasPanel } from "./canvas/panel.js";
import { reveal } from "./canvas/reveal.js";
import { address, messageOf } from "./server.js";
import { closest, find, findAll, onChange, publish } from "./dom.js";

/** @import { Board } from "./canvas/board.js" */

// The canvases of each mode of the img2img tab, and how the modes are called there.
/** @type {Record<string, string>} */
const MODES = {
  img2img: "img2img_image",
  Sketch: "img2img_sketch",
  Inpaint: "img2maskimg",
  "Inpaint sketch": "inpaint_sketch",
  "Inpaint upload": "img_inpaint_base",
};
const MASK = "img_inpaint_mask";
/** @type {[name: string, words: string][]} */
const TARGETS = [...Object.entries(MODES).map(([mode, name]) => /** @type {[string, string]} */ ([name, mode])), [MASK, "Inpaint upload: mask"]];
const NO_PICTURE = "There is no picture yet. Drop one here, paste it, or click to choose.";
const boards = /** @type {Map<string, Board>} */ (new Map());

/** @param {HTMLElement} element */
function mount(element) {
  element.dataset.mounted = "true";
  const targets = TARGETS.filter(([name]) => name !== element.dataset.name);
  const { board } = new CanvasPanel(element, targets, copyTo);
  boards.set(board.name, board);
  board.on("change", () => dispatchEvent(new CustomEvent("canvas-change", { detail: board.name })));
  board.on("taken", () => void reveal(element));
  board.restored = board.restore();
}

/**
 * Chooses a mode of the img2img tab.
 * @param {string} mode
 */
function chooseMode(mode) {
  find(`#img2img_mode input[value="${mode}"]`)?.click();
}

/**
 * @param {string} name
 * @param {Board} from
 */
async function copyTo(name, from) {
  const blob = await copyOf(from);
  if (!blob) return from.say(NO_PICTURE);
  if (!(await boards.get(name)?.take(blob))) return;
  const mode = TARGETS.find(([target]) => target === name)?.[1];
  if (!mode) return;
  chooseMode(mode.replace(/:.*/, ""));
  await show(name);
}

/** @param {string} name of a canvas that has a picture */
async function show(name) {
  const canvas = find(`.canvas[data-name="${name}"]`);
  if (canvas && boards.get(name)?.state.base) await reveal(canvas);
}

// Whoever chooses a mode wants to paint.
document.addEventListener("click", (event) => {
  const button = closest(event, "#mode_img2img > .tab-nav > button");
  if (button) void show(MODES[button.dataset.choice ?? ""]);
});

/**
 * What the server needs of the mode's canvas, as JSON; a sentence in it where there is nothing to begin with.
 * @param {string} mode
 */
async function canvasPictures(mode) {
  const board = boards.get(MODES[mode]);
  if (!board) return "{}";
  try {
    board.say("");
    await board.restored;
    // A script of an extension may bring the pictures itself.
    if (!board.state.base && find("#img2img_script_container .listed-panel:not(.not-chosen)")) return "{}";
    if (!board.state.base) throw new Error(NO_PICTURE);
    const told = await referencesOf(board);
    if (mode === "Inpaint upload") Object.assign(told, await uploadedMask());
    return JSON.stringify(told);
  } catch (error) {
    const problem = messageOf(error);
    board.say(problem);
    return JSON.stringify({ problem });
  }
}

async function uploadedMask() {
  const board = boards.get(MASK);
  if (!board) return {};
  await board.restored;
  const { image = "", width = 0, height = 0 } = await referencesOf(board);
  return { mask: image, mask_width: width, mask_height: height };
}

/**
 * What a canvas holds, as files; null without a picture. See `filesOf`.
 * @param {string} name
 */
async function canvasFiles(name) {
  const board = boards.get(name);
  await board?.restored;
  return board ? filesOf(board) : null;
}

/**
 * Width and height of the mode's picture, or null.
 * @param {string | undefined} mode
 * @returns {[number, number] | null}
 */
function canvasPixels(mode) {
  const base = mode ? boards.get(MODES[mode])?.state.base : null;
  return base ? [base.width, base.height] : null;
}

/**
 * The same in multiples of 8, as the form takes it.
 * @param {string} mode
 */
function canvasSize(mode) {
  return canvasPixels(mode)?.map((side) => Math.max(Math.floor(side / 8) * 8, 64)) ?? null;
}

/**
 * Shows a file that the page may read on a mode's canvas; undo there brings back what it held.
 * @param {string} path
 * @param {string} mode
 */
async function sendToCanvas(path, mode) {
  const board = boards.get(MODES[mode]);
  if (!board || !path) return;
  const response = await fetch(address(`gradio_api/file=${encodeURI(path).replaceAll("#", "%23").replaceAll("?", "%3F")}`));
  if (response.ok) await board.take(await response.blob());
  else board.say("The picture is no longer on the server.");
  chooseMode(mode);
  window.webui.showTab("img2img");
  await show(board.name);
  board.view.stage.focus({ preventScroll: true });
}

onChange(document.body, () => {
  for (const element of findAll(".canvas[data-name]:not([data-mounted])")) mount(element);
});
publish({ canvasFiles, canvasPictures, canvasPixels, canvasSize, sendToCanvas, canvasBoards: boards });

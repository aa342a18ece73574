// The row of tools above a canvas.
import { iconButton, make, slider } from "../controls.js";
import { browse } from "./intake.js";
import { compose, contextOf } from "./layers.js";
import { invertPaint, maskTransparency, wipe } from "./paint.js";

/** @import { Board } from "./board.js" */
/** @import { CanvasPanel } from "./panel.js" */

/** @type {Record<string, string>} */
const TOOLS = {
  brush: "Brush (B)",
  eraser: "Eraser (E)",
  lasso: "Lasso: fills what you circle (L)",
  bucket: "Bucket: fills an area (G)",
  picker: "Pick a colour from the picture (I)",
};
const HAS_COLOURS = ["sketch", "inpaint-sketch"];

/**
 * The tools for painting; the empty list on canvases that only hold a picture.
 * @param {CanvasPanel} panel
 * @param {Board} board
 */
function paintTools(panel, board) {
  if (!board.canPaint) return [];
  const hasColours = HAS_COLOURS.includes(board.kind);
  const names = Object.keys(TOOLS).filter((name) => hasColours || name !== "picker");
  const buttons = names.map((name) => {
    const button = iconButton(name, TOOLS[name], () => panel.chooseTool(name));
    button.dataset.tool = name;
    return button;
  });
  const size = slider("Brush size (Q and W, Ctrl+wheel)", [1, 100, 1], board.brush.share, (share) => {
    board.brush.share = share;
    board.tell("brush", undefined);
  });
  board.on("brush", () => (size.value = String(board.brush.share)));
  const changed = () => board.tell("brush", undefined);
  const opacity = slider("Opacity of the brush", [0.05, 1, 0.05], board.brush.opacity, (value) => {
    board.brush.opacity = value;
    changed();
  });
  const colour = make("input", { type: "color", value: board.brush.colour, title: "Colour" });
  colour.addEventListener("input", () => {
    board.brush.colour = colour.value;
    changed();
  });
  board.on("pick", (detail) => {
    colour.value = board.brush.colour = colourAt(board, detail);
    changed();
    panel.chooseTool("brush");
  });
  const sliders = [make("label", { className: "canvas-slider" }, "Size", size), make("label", { className: "canvas-slider" }, "Opacity", opacity)];
  return [group(...buttons), ...(hasColours ? [colour] : []), ...sliders, make("div", { className: "canvas-break" }), group(...paintActions(board))];
}

/**
 * What concerns all paint of a layer.
 * @param {Board} board
 */
function paintActions(board) {
  const forMasks = [
    iconButton("invert", "Invert the mask", () => invertPaint(board)),
    iconButton("alpha", "Mask what is transparent in the picture", () => maskTransparency(board)),
  ];
  return [
    iconButton("undo", "Undo (Ctrl+Z)", () => board.history.undo()),
    iconButton("redo", "Redo (Ctrl+Shift+Z)", () => board.history.redo()),
    ...(board.isMask ? forMasks : []),
    iconButton("wipe", "Clear this layer", () => wipe(board)),
  ];
}

/** @param {...Node} children */
function group(...children) {
  return make("div", { className: "canvas-group" }, ...children);
}

/**
 * The picture's colour at a point, as #rrggbb.
 * @param {Board} board
 * @param {Point} point
 */
function colourAt(board, { x, y }) {
  const surface = compose(board.state);
  const [red, green, blue] = contextOf(surface).getImageData(Math.floor(x), Math.floor(y), 1, 1).data;
  return `#${[red, green, blue].map((part) => part.toString(16).padStart(2, "0")).join("")}`;
}

/**
 * A list to copy the picture to another canvas with; `targets` are [name, words].
 * @param {CanvasPanel} panel
 * @param {[name: string, words: string][]} targets
 */
function copyList(panel, targets) {
  const list = make("select", { className: "canvas-copy", title: "Copy the picture to another tab", attributes: { "aria-label": "Copy to" } });
  list.append(make("option", { value: "", textContent: "Copy to…" }));
  for (const [name, words] of targets) list.append(make("option", { value: name, textContent: words }));
  list.addEventListener("change", () => {
    const name = list.value;
    list.value = "";
    panel.copyTo(name);
  });
  return list;
}

/**
 * Draws the row into an element.
 * @param {HTMLElement} bar
 * @param {CanvasPanel} panel
 * @param {Board} board
 * @param {[name: string, words: string][]} targets
 */
export function drawToolbar(bar, panel, board, targets) {
  const zoom = (/** @type {number} */ factor) => board.view.zoom(factor);
  const history = [iconButton("undo", "Undo (Ctrl+Z)", () => board.history.undo()), iconButton("redo", "Redo (Ctrl+Shift+Z)", () => board.history.redo())];
  bar.append(
    ...(board.canPaint ? paintTools(panel, board) : [group(...history)]),
    group(
      iconButton("zoom-out", "Smaller (Alt+wheel)", () => zoom(1 / 1.4)),
      iconButton("fit", "All of the picture (R)", () => board.view.fit()),
      iconButton("zoom-in", "Larger (Alt+wheel)", () => zoom(1.4)),
      iconButton("full-screen", "Full screen (S)", () => panel.fullScreen()),
      ...(board.canPaint ? [iconButton("layers", "Layers", () => panel.element.classList.toggle("show-layers"))] : []),
    ),
    group(
      iconButton("open", "Another picture", () => browse(board)),
      iconButton("remove", "Remove the picture", () => board.remove()),
    ),
    copyList(panel, targets),
  );
}

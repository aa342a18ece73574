// Keys of the canvas below the pointer, or of the one with the focus; A1111's, and one for each tool.
import { resizeBrush } from "./pointer.js";

/** @import { CanvasPanel } from "./panel.js" */

/** @type {Record<string, string>} */
const TOOLS = { b: "brush", e: "eraser", l: "lasso", g: "bucket", i: "picker" };
const TYPING = "input:not([type=range]):not([type=color]), textarea, select, [contenteditable=true]";

/** Keys held down that make the pointer pan: Space with a pressed button, F without. */
export const held = { pan: false, follow: false };
const panels = /** @type {Set<CanvasPanel>} */ (new Set());

/**
 * Lets a canvas hear keys: `panel` has `board`, `element`, and the actions fullScreen, overlap and chooseTool.
 * @param {CanvasPanel} panel
 */
export function listen(panel) {
  panels.add(panel);
  panel.element.addEventListener("pointerenter", () => (panel.isHovered = true));
  panel.element.addEventListener("pointerleave", () => (panel.isHovered = false));
}

function current() {
  const all = [...panels].filter(({ element }) => element.getClientRects().length);
  return (
    all.find(({ element }) => element.classList.contains("full-screen")) ??
    all.find(({ isHovered }) => isHovered) ??
    all.find(({ element }) => element.contains(document.activeElement))
  );
}

/**
 * What a key does without Ctrl; null for keys that are none of ours.
 * @param {string} key
 * @param {CanvasPanel} panel
 */
function actionOf(key, panel) {
  const { board } = panel;
  /** @type {Record<string, () => void>} */
  const actions = {
    q: () => resizeBrush(board, -1),
    w: () => resizeBrush(board, 1),
    s: () => panel.fullScreen(),
    r: () => board.view.fit(),
    o: () => panel.overlap(),
    f: () => (held.follow = held.pan = true),
    " ": () => (held.pan = true),
  };
  if (key === "escape" && panel.element.matches(".full-screen, .overlap")) return () => panel.leave();
  return actions[key] ?? (TOOLS[key] && board.canPaint ? () => panel.chooseTool(TOOLS[key]) : null);
}

/**
 * @param {KeyboardEvent} event
 * @param {CanvasPanel} panel
 */
function actionWithControl(event, panel) {
  const { history } = panel.board;
  const key = event.key.toLowerCase();
  if (key === "y" || (key === "z" && event.shiftKey)) return () => history.redo();
  return key === "z" ? () => history.undo() : null;
}

document.addEventListener(
  "keydown",
  (event) => {
    if (event.target instanceof Element && event.target.matches(TYPING)) return;
    const panel = current();
    if (!panel || event.altKey) return;
    const action = event.ctrlKey || event.metaKey ? actionWithControl(event, panel) : actionOf(event.key.toLowerCase(), panel);
    if (!action) return;
    event.preventDefault();
    // Escape interrupts jobs elsewhere in the page.
    event.stopImmediatePropagation();
    action();
  },
  true,
);

function release() {
  held.pan = held.follow = false;
}

document.addEventListener("keyup", (event) => {
  if (["f", " "].includes(event.key.toLowerCase())) release();
});
addEventListener("blur", release);

// A canvas with everything around it: tools, the picture, the list of layers, sentences, the brush's outline.
import { contextOf, pngOf } from "./layers.js";
import { Board } from "./board.js";
import { make } from "../controls.js";
import { closest, find, findAll } from "../dom.js";
import { messageOf } from "../server.js";
import { browse, listen as listenForPictures } from "./intake.js";
import { held, listen as listenForKeys } from "./keys.js";
import { Frame } from "./frame.js";
import { drawLayerPanel } from "./layer_panel.js";
import { Hand } from "./pointer.js";
import { drawToolbar } from "./toolbar.js";

const BRUSHES = ["brush", "eraser"];

export class CanvasPanel {
  /**
   * `targets` are the canvases to copy to, [name, words]; `copyTo` does it.
   * @param {HTMLElement} element
   * @param {[name: string, words: string][]} targets
   * @param {(name: string, from: Board) => void} copyTo
   */
  constructor(element, targets, copyTo) {
    this.element = element;
    /** Whether the pointer is over it. */
    this.isHovered = false;
    this.stage = make("div", { className: "canvas-stage", tabIndex: 0, attributes: { role: "application", "aria-label": element.dataset.hint } });
    const bar = make("div", { className: "canvas-toolbar", attributes: { role: "toolbar" } });
    const layers = make("div", { className: "canvas-layers" });
    element.replaceChildren(bar, this.stage);
    this.board = new Board(element, this.stage);
    this.copyTo = (/** @type {string} */ name) => copyTo(name, this.board);
    this.board.frame = new Frame(this.board, this.stage);
    this.stage.append(this.makeEmpty(), this.board.frame.element, this.makeNotice(), this.makeCursor(), layers);
    drawToolbar(bar, this, this.board, targets);
    drawLayerPanel(layers, this.board);
    new Hand(this.board, this.stage, held);
    listenForKeys(this);
    listenForPictures(element, this.board);
    this.chooseTool("brush");
    this.follow();
  }

  /** The element tells styles and tests what the board holds. */
  follow() {
    const { board, element } = this;
    const told = () => {
      const { base, layers } = board.state;
      element.classList.toggle("has-picture", Boolean(base));
      element.dataset.size = base ? `${base.width}x${base.height}` : "";
      element.dataset.layers = String(layers.length);
      element.dataset.revision = String(board.revision);
      this.stage.style.aspectRatio = base ? board.view.whole(base).join(" / ") : "";
    };
    board.on("change", told);
    board.on("shape", told);
    board.on("kept", () => (element.dataset.kept = String(board.kept ?? 0)));
    board.on("busy", (detail) => element.classList.toggle("busy", detail));
    told();
  }

  /** What invites a picture where there is none. */
  makeEmpty() {
    const { board } = this;
    const words = make("p", {}, make("strong", { textContent: this.element.dataset.hint }), make("br"), "Drop it here, paste it, or click to choose.");
    const empty = make("div", { className: "canvas-empty", onclick: () => browse(board) }, make("span", { className: "frame" }), words);
    if (board.kind !== "sketch") return empty;
    const blank = make("button", {
      type: "button",
      className: "canvas-blank",
      textContent: "Begin with a blank sheet",
      onclick: (event) => {
        event.stopPropagation();
        this.beginBlank();
      },
    });
    empty.append(blank);
    return empty;
  }

  /** A white picture of the size in the form. */
  beginBlank() {
    const [width, height] = ["width", "height"].map((name) => Number(find(`#img2img_${name} input`)?.value) || 512);
    const sheet = make("canvas", { width, height });
    const context = contextOf(sheet);
    context.fillStyle = "#fff";
    context.fillRect(0, 0, width, height);
    void pngOf(sheet).then((blob) => this.board.take(blob), (error) => this.board.say(messageOf(error)));
  }

  makeNotice() {
    const notice = make("div", { className: "canvas-notice", attributes: { role: "alert" } });
    this.board.on("say", (detail) => (notice.textContent = detail ?? ""));
    return notice;
  }

  /** A ring as large as the brush, where the pointer is. */
  makeCursor() {
    const ring = make("div", { className: "canvas-cursor" });
    let at = /** @type {Point | null} */ (null);
    const place = () => {
      const { board } = this;
      const shows = board.canPaint && board.state.base && BRUSHES.includes(board.tool) && !held.pan;
      ring.style.display = at && shows ? "block" : "none";
      if (!at || !shows) return;
      const box = this.stage.getBoundingClientRect();
      const side = board.size * board.view.scale;
      Object.assign(ring.style, { width: `${side}px`, height: `${side}px`, left: `${at.x - box.left - side / 2}px`, top: `${at.y - box.top - side / 2}px` });
    };
    const follow = (/** @type {PointerEvent} */ event) => {
      const isElsewhere = event.pointerType === "touch" || closest(event, ".canvas-frame-edge");
      at = isElsewhere ? null : { x: event.clientX, y: event.clientY };
      place();
    };
    this.stage.addEventListener("pointermove", follow);
    this.stage.addEventListener("pointerleave", () => ((at = null), place()));
    this.stage.addEventListener("wheel", () => requestAnimationFrame(place));
    this.board.on("brush", place);
    return ring;
  }

  /** @param {string} name */
  chooseTool(name) {
    this.board.tool = name;
    this.element.dataset.tool = name;
    for (const button of findAll("[data-tool]", this.element)) {
      button.setAttribute("aria-pressed", String(button.dataset.tool === name));
    }
  }

  fullScreen() {
    this.element.classList.remove("overlap");
    this.element.classList.toggle("full-screen");
    this.board.view.fit();
  }

  /** Larger, over what lies beside it. */
  overlap() {
    this.element.classList.remove("full-screen");
    this.element.classList.toggle("overlap");
    this.board.view.fit();
  }

  leave() {
    this.element.classList.remove("full-screen", "overlap");
    this.board.view.fit();
  }
}

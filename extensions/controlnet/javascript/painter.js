// A mask painted over a picture: white where it is set. Kept by the server after each stroke.
import { keepPicture, loadPicture, make, toPng } from "./elements.js";

// A mask needs no more pixels than this on its longer side.
const LONGEST = 1024;
const UNDONE_STROKES = 30;

/** A canvas over a picture. `kept` is told the reference of each new mask, null for an empty one. */
export class Painter {
  /**
   * @param {string} name - what is painted, for those who cannot see it
   * @param {string} colour
   * @param {(reference: string | null) => unknown} kept
   * @param {(error: unknown) => unknown} failed
   */
  constructor(name, colour, kept, failed) {
    this.canvas = make("canvas", { className: "cn-paint", role: "img", "aria-label": name });
    this.colour = colour;
    this.kept = kept;
    this.failed = failed;
    this.brush = 8;
    /** @type {ImageData[]} */
    this.strokes = [];
    this.turn = 0;
    this.listen();
  }

  get context() {
    return /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d", { willReadFrequently: true }));
  }

  /**
   * Begins over a picture of this size, with a mask that the server keeps.
   * @param {{width: number, height: number}} size
   * @param {string | null} reference
   */
  async open({ width, height }, reference) {
    const scale = Math.min(1, LONGEST / Math.max(width, height));
    this.canvas.width = Math.max(1, Math.round(width * scale));
    this.canvas.height = Math.max(1, Math.round(height * scale));
    this.strokes = [];
    const turn = ++this.turn;
    if (!reference) return;
    const image = await loadPicture(reference);
    if (turn !== this.turn) return;
    this.context.drawImage(image, 0, 0, this.canvas.width, this.canvas.height);
    const pixels = this.context.getImageData(0, 0, this.canvas.width, this.canvas.height);
    for (let at = 0; at < pixels.data.length; at += 4) {
      // What is kept is white on black; what is shown is white on nothing.
      pixels.data[at + 3] = pixels.data[at] > 127 ? 255 : 0;
    }
    this.context.putImageData(pixels, 0, 0);
    this.tint();
  }

  listen() {
    /** @type {[number, number] | null} */
    let last = null;
    let erases = false;
    const place = (/** @type {PointerEvent} */ event) => {
      const box = this.canvas.getBoundingClientRect();
      const scale = this.canvas.width / box.width;
      return /** @type {[number, number]} */ ([(event.clientX - box.left) * scale, (event.clientY - box.top) * scale]);
    };
    this.canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    this.canvas.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      this.canvas.setPointerCapture(event.pointerId);
      erases = event.button === 2 || event.shiftKey;
      this.remember();
      last = place(event);
      this.line(last, last, erases);
    });
    this.canvas.addEventListener("pointermove", (event) => {
      if (!last) return;
      const to = place(event);
      this.line(last, to, erases);
      last = to;
    });
    const end = () => {
      if (!last) return;
      last = null;
      void this.keep();
    };
    this.canvas.addEventListener("pointerup", end);
    this.canvas.addEventListener("pointercancel", end);
  }

  /**
   * @param {[number, number]} from
   * @param {[number, number]} to
   * @param {boolean} erases
   */
  line(from, to, erases) {
    const { context } = this;
    context.globalCompositeOperation = erases ? "destination-out" : "source-over";
    context.strokeStyle = this.colour;
    context.lineCap = "round";
    context.lineWidth = Math.max((this.brush / 100) * Math.max(this.canvas.width, this.canvas.height), 1);
    context.beginPath();
    context.moveTo(...from);
    // A line without length would not be drawn: a click paints a dot.
    context.lineTo(to[0] + (from[0] === to[0] && from[1] === to[1] ? 0.01 : 0), to[1]);
    context.stroke();
    context.globalCompositeOperation = "source-over";
  }

  tint() {
    const { context } = this;
    context.globalCompositeOperation = "source-in";
    context.fillStyle = this.colour;
    context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    context.globalCompositeOperation = "source-over";
  }

  remember() {
    this.strokes.push(this.context.getImageData(0, 0, this.canvas.width, this.canvas.height));
    if (this.strokes.length > UNDONE_STROKES) this.strokes.shift();
  }

  undo() {
    const before = this.strokes.pop();
    if (!before) return;
    this.context.putImageData(before, 0, 0);
    void this.keep();
  }

  clear() {
    this.remember();
    this.context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    void this.keep();
  }

  /** What was set is not, and the other way round. */
  invert() {
    this.remember();
    const { context } = this;
    context.globalCompositeOperation = "xor";
    context.fillStyle = this.colour;
    context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    context.globalCompositeOperation = "source-over";
    void this.keep();
  }

  /** Whether anything is painted. */
  get isEmpty() {
    const { data } = this.context.getImageData(0, 0, this.canvas.width, this.canvas.height);
    return !data.some((value, at) => at % 4 === 3 && value > 127);
  }

  /** Gives the mask to the server, white on black; of several that are on their way, the last one counts. */
  async keep() {
    const turn = ++this.turn;
    if (this.isEmpty) return this.kept(null);
    const mask = make("canvas", { width: this.canvas.width, height: this.canvas.height });
    const context = /** @type {CanvasRenderingContext2D} */ (mask.getContext("2d"));
    const pixels = this.context.getImageData(0, 0, mask.width, mask.height);
    for (let at = 0; at < pixels.data.length; at += 4) {
      pixels.data.fill(pixels.data[at + 3] > 127 ? 255 : 0, at, at + 3);
      pixels.data[at + 3] = 255;
    }
    context.putImageData(pixels, 0, 0);
    try {
      const { reference } = await keepPicture(await toPng(mask));
      if (turn === this.turn) this.kept(reference);
    } catch (error) {
      this.failed(error);
    }
  }
}

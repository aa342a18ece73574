// The canvas on which regions are painted, each in a colour of its own, with its tools.
import { Areas } from "./areas.js";

// A mask needs no more pixels on its longer side; the network sees an eighth of the picture's.
const LONGEST = 512;
const MOST = 32;
const COLOURS = ["#e4572e", "#2e86de", "#2fa866", "#e0a526", "#9b5de5", "#18a8b5", "#d6499a", "#8a6d3b"];
const BRUSHES = /** @type {const} */ ([2, 40]);
const MOVES = /** @type {Record<string, [number, number]>} */ ({
  ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1],
});
const HINT = "Right button or Shift erases. Keys: arrows move the brush, Space paints, Delete erases.";

/** @typedef {import("./areas.js").Point} Point */
/** @param {number} region */
const colourOf = (region) => COLOURS[(region - 1) % COLOURS.length];

/**
 * An element with properties, attributes and children.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, any>} [properties] - names with a dash, and role, are attributes
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role") element.setAttribute(name, value);
    else Reflect.set(element, name, value);
  }
  element.append(...children);
  return element;
}

/** @param {string} words @param {() => unknown} action @param {Record<string, any>} [properties] */
function button(words, action, properties = {}) {
  return make("button", { type: "button", className: "rp-button", textContent: words, onclick: action, ...properties });
}

/**
 * A canvas of these pixels.
 * @param {Areas} areas
 * @param {Uint8ClampedArray<ArrayBuffer>} pixels
 */
function canvasOf({ width, height }, pixels) {
  const canvas = make("canvas", { width, height });
  canvas.getContext("2d")?.putImageData(new ImageData(pixels, width, height), 0, 0);
  return canvas;
}

/** @param {HTMLCanvasElement} canvas @returns {Promise<Blob>} */
function toPng(canvas) {
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("This browser cannot keep the painted areas."))), "image/png");
  });
}

/** Paints regions; `kept` is told the masks' references after each stroke. */
export class Painter {
  #areas = new Areas(LONGEST, LONGEST);
  /** References of the masks that the server keeps, by region. @type {string[]} */
  #masks = [];
  #turn = 0;
  #region = 1;
  #count = 2;
  #isPlanned = false;
  /** Where the brush is, while it is seen. @type {Point | null} */
  #at = null;

  /**
   * @param {Pick<PartContext, "upload" | "address">} server
   * @param {(masks: string[]) => void} kept
   */
  constructor(server, kept) {
    this.server = server;
    this.kept = kept;
    const about = "Areas of the regions. Arrow keys move the brush, Space paints, Delete erases.";
    this.canvas = make("canvas", { className: "rp-canvas", tabIndex: 0, role: "application", "aria-label": about });
    this.ring = make("span", { className: "rp-ring", hidden: true });
    this.behind = make("img", { className: "rp-behind", alt: "", hidden: true });
    this.board = make("div", { className: "rp-board" }, this.behind, this.canvas, this.ring);
    this.said = make("p", { className: "rp-said", role: "status" });
    this.regions = make("div", { className: "rp-bar", role: "group", "aria-label": "Paint" });
    this.brush = make("input", { type: "range", min: BRUSHES[0], max: BRUSHES[1], value: 12, "aria-label": "Brush size", title: "Brush size" });
    this.undoing = button("Undo", () => this.#undo(), { title: "Take the last stroke back" });
    const tools = make("div", { className: "rp-bar" }, make("label", { className: "rp-brush" }, "Brush", this.brush), this.undoing,
      button("Fill", () => this.#change(() => this.#areas.fill(this.#region)), { title: "Give what is free to this region" }),
      button("Clear", () => this.#change(() => this.#areas.clear()), { title: "Unpaint all regions" }));
    this.tools = tools;
    this.element = make("div", { className: "rp-painter", role: "group", "aria-label": "Painted areas" },
      this.regions, this.board, tools, make("p", { className: "rp-hint", textContent: HINT }), this.said);
    this.#listen();
    this.#drawRegions();
  }

  /**
   * Begins with a picture of this shape and with masks that the server keeps.
   * @param {{width: number, height: number}} size
   * @param {string[]} masks
   */
  async open({ width, height }, masks) {
    const turn = ++this.#turn;
    const scale = LONGEST / Math.max(width, height);
    const areas = new Areas(Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale)));
    try {
      for (const [index, mask] of masks.entries()) areas.take(index + 1, await this.#pixelsOf(mask, areas));
    } catch {
      this.say("A painted area is no longer on the server. Paint it again.");
    }
    if (turn !== this.#turn) return;
    this.#areas = areas;
    this.#masks = [...masks];
    this.#count = Math.max(2, masks.length, this.#count);
    this.canvas.width = areas.width;
    this.canvas.height = areas.height;
    this.board.style.setProperty("--shape", String(areas.width / areas.height));
    this.board.style.aspectRatio = `${areas.width} / ${areas.height}`;
    this.#draw();
    this.#drawRegions();
  }

  /** Whether these masks are the painted ones. @param {string[]} masks */
  shows(masks) {
    return JSON.stringify(masks) === JSON.stringify(this.#masks);
  }

  /** A picture to paint over, or none. @param {string | null} address */
  showBehind(address) {
    this.behind.hidden = !address;
    if (address) this.behind.src = address;
  }

  /** @param {string} sentence */
  say(sentence) {
    this.said.textContent = sentence;
  }

  /** @param {string} mask @param {Areas} areas */
  async #pixelsOf(mask, { width, height }) {
    const image = new Image();
    image.src = this.server.address(`v1/inputs/${mask}`);
    await image.decode();
    const context = /** @type {CanvasRenderingContext2D} */ (make("canvas", { width, height }).getContext("2d"));
    context.drawImage(image, 0, 0, width, height);
    return context.getImageData(0, 0, width, height).data;
  }

  // --- regions -------------------------------------------------------------------------------------------------------

  #drawRegions() {
    const choose = (/** @type {number} */ region) => {
      this.#region = region;
      this.#drawRegions();
    };
    const pressed = (/** @type {number} */ region) => ({ "aria-pressed": String(region === this.#region) });
    const each = Array.from({ length: this.#count }, (_, index) => {
      const swatch = make("span", { className: "rp-swatch" });
      swatch.style.background = colourOf(index + 1);
      const one = button("", () => choose(index + 1), pressed(index + 1));
      one.append(swatch, `Region ${index + 1}`);
      return one;
    });
    const eraser = button("Eraser", () => choose(0), pressed(0));
    const add = button("+ Region", () => choose((this.#count += 1)), { "aria-label": "Add a region", disabled: this.#count >= MOST });
    const remove = button("Remove", () => this.#remove(), { title: "Remove the chosen region", disabled: this.#count < 2 || !this.#region });
    const focused = [...this.regions.children].indexOf(/** @type {Element} */ (document.activeElement));
    this.regions.replaceChildren(...each, eraser, add, make("span", { className: "rp-gap" }), remove);
    const next = this.regions.children[focused];
    if (next instanceof HTMLButtonElement) next.focus();
  }

  #remove() {
    this.#change(() => this.#areas.remove(this.#region));
    this.#count -= 1;
    this.#region = Math.min(this.#region, this.#count);
    this.#drawRegions();
  }

  // --- painting ------------------------------------------------------------------------------------------------------

  get #radius() {
    return (Number(this.brush.value) / 200) * Math.max(this.#areas.width, this.#areas.height);
  }

  #listen() {
    /** @type {Point | null} */
    let last = null;
    let region = 0;
    const place = (/** @type {PointerEvent} */ { clientX, clientY }) => {
      const box = this.canvas.getBoundingClientRect();
      const scale = this.#areas.width / box.width;
      return /** @type {Point} */ ([(clientX - box.left) * scale, (clientY - box.top) * scale]);
    };
    const stroke = (/** @type {Point} */ to) => {
      this.#areas.paint(last ?? to, to, this.#radius, region);
      last = to;
      this.#drawSoon();
    };
    this.canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    this.canvas.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      this.canvas.focus({ preventScroll: true });
      this.canvas.setPointerCapture(event.pointerId);
      region = event.button === 2 || event.shiftKey ? 0 : this.#region;
      this.#areas.remember();
      stroke(place(event));
    });
    this.canvas.addEventListener("pointermove", (event) => {
      const to = place(event);
      this.#showRing(event.pointerType === "touch" ? null : to);
      if (last) stroke(to);
    });
    const end = () => {
      if (!last) return;
      last = null;
      void this.#keep();
    };
    this.canvas.addEventListener("pointerup", end);
    this.canvas.addEventListener("pointercancel", end);
    this.canvas.addEventListener("pointerleave", () => this.#showRing(null));
    this.canvas.addEventListener("blur", () => this.#showRing(null));
    this.canvas.addEventListener("keydown", (event) => this.#onKey(event));
    this.brush.addEventListener("input", () => this.#showRing(this.#at));
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const { width, height } = this.#areas;
    const at = this.#at ?? /** @type {Point} */ ([width / 2, height / 2]);
    const move = MOVES[event.key];
    const paints = event.key === " " || event.key === "Delete";
    if (event.ctrlKey && event.key === "z") this.#undo();
    else if (move) {
      const step = event.shiftKey ? this.#radius : 8;
      this.#showRing([Math.min(width, Math.max(0, at[0] + move[0] * step)), Math.min(height, Math.max(0, at[1] + move[1] * step))]);
    } else if (paints) {
      this.#showRing(at);
      this.#change(() => this.#areas.paint(at, at, this.#radius, event.key === " " ? this.#region : 0));
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {Point | null} at */
  #showRing(at) {
    this.#at = at;
    this.ring.hidden = !at;
    if (!at) return;
    const { width, height } = this.#areas;
    const { style } = this.ring;
    [style.left, style.top] = [`${(at[0] / width) * 100}%`, `${(at[1] / height) * 100}%`];
    style.width = `${((2 * this.#radius) / width) * 100}%`;
  }

  /** @param {() => void} change */
  #change(change) {
    this.#areas.remember();
    change();
    this.#draw();
    void this.#keep();
  }

  #undo() {
    if (!this.#areas.undo()) return;
    this.#count = Math.max(this.#count, this.#areas.last);
    this.#draw();
    this.#drawRegions();
    void this.#keep();
  }

  /** Before the page is drawn next: pointers move more often than that. */
  #drawSoon() {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    requestAnimationFrame(() => {
      this.#isPlanned = false;
      this.#draw();
    });
  }

  #draw() {
    const { owners, width, height } = this.#areas;
    const colours = [0, ...Array.from({ length: MOST }, (_, index) => Number.parseInt(colourOf(index + 1).slice(1), 16))];
    const pixels = new Uint8ClampedArray(owners.length * 4);
    owners.forEach((owner, at) => {
      if (!owner) return;
      const colour = colours[owner];
      pixels[at * 4] = colour >> 16;
      pixels[at * 4 + 1] = (colour >> 8) & 255;
      pixels[at * 4 + 2] = colour & 255;
      pixels[at * 4 + 3] = 190;
    });
    const context = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d"));
    context.putImageData(new ImageData(pixels, width, height), 0, 0);
    context.font = "600 22px system-ui, sans-serif";
    [context.textAlign, context.textBaseline] = ["center", "middle"];
    [context.lineWidth, context.strokeStyle, context.fillStyle] = [4, "#0009", "#fff"];
    for (const [region, [x, y]] of this.#areas.middles()) {
      context.strokeText(String(region), x, y);
      context.fillText(String(region), x, y);
    }
  }

  /** Gives the masks to the server; of several that are on their way, the last ones count. */
  async #keep() {
    const turn = ++this.#turn;
    const areas = this.#areas;
    const masks = Array.from({ length: areas.last }, (_, index) => canvasOf(areas, areas.mask(index + 1)));
    try {
      const kept = await Promise.all(masks.map(async (mask) => (await this.server.upload(await toPng(mask))).reference));
      if (turn !== this.#turn) return;
      this.#masks = kept;
      this.say("");
      this.kept(kept);
    } catch (error) {
      if (turn === this.#turn) this.say(error instanceof Error ? error.message : String(error));
    }
  }
}

// One canvas: what it holds, its history, its tools, and keeping it. Other modules draw, listen and show.
import { History } from "./history.js";
import { activeLayer, baseOf, findContrastingColour, makeLayer, makeState } from "./layers.js";
import { readBase } from "./server.js";
import { messageOf } from "../server.js";
import * as storage from "./storage.js";
import { Scratch } from "./stroke.js";
import { View } from "./view.js";

const SAVE_AFTER_MS = 120;

export class Board extends EventTarget {
  /** Resolves once what was kept is shown again. @type {Promise<void>} */
  restored = Promise.resolve();
  /** Where the canvas ends when it is extended. @type {import("./frame.js").Frame | null} */
  frame = null;
  /** What the server was sent last, and of which revision. @type {{revision: number, told: References} | null} */
  sent = null;
  /** The revision that was kept last. @type {number | undefined} */
  kept;
  /** @type {Promise<unknown> | null} */
  #keeping = null;
  #timer = 0;

  /**
   * @param {HTMLElement} element
   * @param {HTMLElement} stage
   */
  constructor(element, stage) {
    super();
    this.name = element.dataset.name ?? "";
    this.kind = element.dataset.kind ?? "";
    this.state = makeState(null);
    this.tool = "brush";
    this.brush = storage.rememberedBrush(this.name) ?? { share: 34, opacity: 1, colour: "#2d6cdf" };
    this.on("brush", () => storage.rememberBrush(this.name, this.brush));
    this.history = new History((step) => this.touch(step.layer));
    this.scratch = new Scratch();
    this.view = new View(stage, this.isMask);
    this.revision = 0;
  }

  /**
   * Calls `action` with what is told, whenever it is.
   * @template {keyof BoardEvents} Name
   * @param {Name} name
   * @param {(told: BoardEvents[Name]) => void} action
   */
  on(name, action) {
    this.addEventListener(name, (event) => action(/** @type {CustomEvent<BoardEvents[Name]>} */ (event).detail));
  }

  /**
   * Tells all who listen.
   * @template {keyof BoardEvents} Name
   * @param {Name} name
   * @param {BoardEvents[Name]} told
   */
  tell(name, told) {
    this.dispatchEvent(new CustomEvent(name, { detail: told }));
  }

  get isMask() {
    return this.kind === "mask";
  }

  get canPaint() {
    return this.kind !== "picture";
  }

  /** The brush's diameter in the picture's pixels; the slider's share bends, for fine brushes. */
  get size() {
    const { width = 0, height = 0 } = this.state.base ?? {};
    return Math.max((Math.max(width, height) * (this.brush.share / 100) ** 2) / 2, 1);
  }

  /**
   * Tells everybody that something changed; the layer, if given, has other paint on it.
   * @param {Layer} [layer]
   */
  touch(layer) {
    if (layer) layer.revision = (layer.revision ?? 0) + 1;
    this.revision++;
    this.show();
    this.plan();
  }

  show() {
    const { base } = this.state;
    if (this.isMask && base && base !== this.view.state?.base) this.brush.colour = findContrastingColour(base.bitmap);
    this.view.show(this.state);
    this.tell("change", undefined);
  }

  /** @param {string} sentence */
  say(sentence) {
    this.tell("say", sentence);
  }

  /** Keeps the state a moment after the last change; never twice at a time. */
  plan() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.keep(), SAVE_AFTER_MS);
  }

  async keep() {
    if (this.#keeping) return this.plan();
    const revision = this.revision;
    this.#keeping = storage.save(this.name, this.state).then(() => (this.kept = revision), () => {});
    await this.#keeping;
    this.#keeping = null;
    this.tell("kept", undefined);
  }

  async restore() {
    const state = await storage.load(this.name).catch(() => null);
    // Meanwhile a picture may have been sent here.
    if (state && !this.revision) {
      this.state = state;
      this.kept = 0;
      this.show();
    }
    this.tell("kept", undefined);
  }

  /**
   * Shows another state, as a step that can be undone.
   * @param {CanvasContent} state
   */
  replace(state) {
    const before = this.state;
    const put = (/** @type {CanvasContent} */ wanted) => {
      this.state = wanted;
    };
    this.history.add({ undo: () => put(before), redo: () => put(state) });
    put(state);
    this.touch();
  }

  /**
   * Takes a picture file; what was there comes back with undo. Gives whether it could be used.
   * @param {Blob} blob
   */
  async take(blob) {
    this.say("");
    this.tell("busy", true);
    try {
      const base = await readBase(blob);
      this.replace(makeState(base));
      this.tell("taken", undefined);
      return true;
    } catch (error) {
      this.say(messageOf(error));
      return false;
    } finally {
      this.tell("busy", false);
    }
  }

  remove() {
    if (this.state.base) this.replace(makeState(null));
  }

  /**
   * Changes properties of the state or of a layer, as a step.
   * @template {CanvasContent | Layer} Target
   * @param {Target} target
   * @param {Partial<Target>} values
   */
  set(target, values) {
    const names = /** @type {(keyof Target)[]} */ (Object.keys(values));
    const before = Object.fromEntries(names.map((name) => [name, target[name]]));
    this.history.add({ undo: () => Object.assign(target, before), redo: () => Object.assign(target, values) });
    Object.assign(target, values);
    this.touch();
  }

  /**
   * Paints on another layer from now on; no step of its own.
   * @param {number} index
   */
  choose(index) {
    this.state.active = index;
    this.touch();
  }

  addLayer() {
    const { layers } = this.state;
    const { width, height } = baseOf(this.state);
    const layer = makeLayer(width, height, `Layer ${layers.length + 1}`);
    this.set(this.state, { layers: [...layers, layer], active: layers.length });
  }

  /** @param {Layer} layer */
  deleteLayer(layer) {
    const left = this.state.layers.filter((other) => other !== layer);
    const { width, height } = baseOf(this.state);
    const layers = left.length ? left : [makeLayer(width, height, "Layer 1")];
    this.set(this.state, { layers, active: Math.min(this.state.active, layers.length - 1) });
  }

  /** The layer that a tool may paint on; a sentence where there is none. */
  paintable() {
    const layer = activeLayer(this.state);
    if (!layer || !this.canPaint) return null;
    if (layer.visible) return layer;
    this.say("The chosen layer is hidden. Show it, or choose another.");
    return null;
  }
}

// A plot of lines over steps, drawn as SVG in the page's own colours. The pointer, or arrow keys, read values.
import { make } from "../controls.js";
import { linearScale, logScale, nearest, pathOf, rangeOf, stepsShown } from "./scales.js";
import { numberText } from "./words.js";

/** @typedef {{label: string, className: string, values: (line: LogLine) => number}} Curve */

const SVG = "http://www.w3.org/2000/svg";
const [HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [190, 52, 12, 10, 24];

/**
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | number>} attributes
 * @param {...(Node | string)} children
 */
function draw(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

export class Plot {
  /** @type {LogLine[]} */
  #lines = [];
  /** @type {Curve[]} */
  #curves = [];
  #steps = 1;
  #at = -1;

  /** @param {string} title @param {{canBeLog?: boolean}} [options] */
  constructor(title, { canBeLog = false } = {}) {
    this.title = title;
    this.log = make("input", { type: "checkbox", onchange: () => this.#draw() });
    this.reading = make("span", { className: "train-reading" });
    this.legend = make("span", { className: "train-legend" });
    this.svg = draw("svg", { role: "slider", tabindex: 0, "aria-label": `${title}: step to read` });
    this.none = make("p", { className: "hint train-plot-none", textContent: "The plot begins with the first step." });
    const options = canBeLog ? [make("label", { className: "train-log" }, this.log, "Log scale")] : [];
    this.element = make("figure", { className: "train-plot" },
      make("figcaption", {}, make("strong", { textContent: title }), this.legend, ...options, this.reading),
      this.svg, this.none);
    this.svg.addEventListener("pointermove", (event) => this.#point(event));
    this.svg.addEventListener("pointerleave", () => this.#read(-1));
    this.svg.addEventListener("blur", () => this.#read(-1));
    this.svg.addEventListener("keydown", (event) => this.#onKey(event));
    new ResizeObserver(() => this.#draw()).observe(this.element);
  }

  /**
   * @param {LogLine[]} lines
   * @param {Curve[]} curves
   * @param {number} steps of the whole run
   */
  show(lines, curves, steps) {
    this.#lines = lines;
    this.#curves = curves;
    this.#steps = stepsShown(lines.at(-1)?.step ?? 1, steps);
    this.#draw();
  }

  #scales() {
    const width = Math.max(this.svg.clientWidth, 120);
    const values = this.#curves.flatMap(({ values: of }) => this.#lines.map(of));
    const [low, high] = rangeOf(values, this.log.checked);
    const across = (this.log.checked ? logScale : linearScale)(low, high, HEIGHT - BOTTOM, TOP);
    return { width, x: linearScale(0, this.#steps, LEFT, width - RIGHT, width > 500 ? 6 : 4), y: across };
  }

  #draw() {
    const has = this.#lines.length > 0;
    this.none.hidden = has;
    this.svg.toggleAttribute("hidden", !has);
    this.svg.style.display = has ? "" : "none";
    if (!has || !this.element.isConnected) return;
    const { width, x, y } = this.#scales();
    this.svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    const parts = [
      ...y.ticks.flatMap((tick) => [
        draw("line", { x1: LEFT, x2: width - RIGHT, y1: y.at(tick), y2: y.at(tick), class: "grid" }),
        draw("text", { x: LEFT - 7, y: y.at(tick) + 4, class: "tick", "text-anchor": "end" }, numberText(tick)),
      ]),
      ...x.ticks.filter((tick) => Number.isInteger(tick)).map((tick) =>
        draw("text", { x: x.at(tick), y: HEIGHT - 6, class: "tick", "text-anchor": tick ? "middle" : "start" }, String(tick))),
      ...this.#curves.map(({ className, values }) =>
        draw("path", { class: `curve ${className}`, d: pathOf(this.#lines.map((line) => [x.at(line.step), y.at(positive(values(line), this.log.checked))])) })),
    ];
    this.cursor = draw("g", { class: "cursor" });
    this.svg.replaceChildren(...parts, this.cursor);
    this.svg.setAttribute("aria-valuemin", String(this.#lines[0].step));
    this.svg.setAttribute("aria-valuemax", String(this.#lines[this.#lines.length - 1].step));
    this.legend.replaceChildren(...this.#curves.filter(({ label }) => label).map(({ label, className }) => make("span", { className: `key ${className}`, textContent: label })));
    this.#read(this.#at);
  }

  /** @param {PointerEvent} event */
  #point({ clientX }) {
    const { left, width: shown } = this.svg.getBoundingClientRect();
    const { width } = this.#scales();
    const place = ((clientX - left) / (shown || 1)) * width;
    this.#read(nearest(this.#lines, ((place - LEFT) / (width - LEFT - RIGHT)) * this.#steps));
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const last = this.#lines.length - 1;
    const at = this.#at < 0 ? last : this.#at;
    const far = Math.max(1, Math.round(last / 20));
    const next = { ArrowLeft: at - 1, ArrowRight: at + 1, PageDown: at - far, PageUp: at + far, Home: 0, End: last }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    this.#read(Math.min(Math.max(next, 0), last));
  }

  /** Reads the line with this index; -1 the last. @param {number} index */
  #read(index) {
    this.#at = Math.min(index, this.#lines.length - 1);
    const line = this.#lines.at(this.#at < 0 ? -1 : this.#at);
    if (!line || !this.cursor) return;
    const values = this.#curves.map(({ label, values: of }) => `${label ? `${label} ` : ""}${numberText(of(line))}`);
    const words = `Step ${line.step}: ${values.join(", ")}`;
    this.reading.textContent = words;
    this.svg.setAttribute("aria-valuenow", String(line.step));
    this.svg.setAttribute("aria-valuetext", words);
    this.cursor.replaceChildren(...(this.#at < 0 ? [] : this.#cursorParts(line)));
  }

  /** @param {LogLine} line */
  #cursorParts(line) {
    const { x, y } = this.#scales();
    const place = x.at(line.step);
    return [
      draw("line", { x1: place, x2: place, y1: TOP, y2: HEIGHT - BOTTOM }),
      ...this.#curves.filter(({ values }) => Number.isFinite(values(line))).map(({ values, className }) =>
        draw("circle", { cx: place, cy: y.at(positive(values(line), this.log.checked)), r: 3.5, class: className })),
    ];
  }
}

/** A log scale has no place for zero: such a point is left out. @param {number} value @param {boolean} isLog */
function positive(value, isLog) {
  return isLog && value <= 0 ? Number.NaN : value;
}

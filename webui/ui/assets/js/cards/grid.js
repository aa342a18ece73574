// A list of any length of which only what can be seen is in the page.
import { make } from "../controls.js";

// More than a large screen shows.
const PAGE = 100;
const SPARE_ROWS = 2;

export class Grid {
  #source;
  #draw;
  #size;
  /** By place in the list. @type {Map<number, Card>} */
  #items = new Map();
  /** The first places of the pages that were asked for. @type {Set<number>} */
  #asked = new Set();
  /** By place in the list. @type {Map<number, HTMLElement>} */
  #shown = new Map();
  #isPlanned = false;
  #turn = 0;

  /**
   * `source(offset, limit)` gives {total, cards}; `draw(card)` an element; `size`, {width, height}, is in pixels.
   * @param {(offset: number, limit: number) => Promise<CardPage>} source
   * @param {(card: Card) => HTMLElement} draw
   * @param {{width: number, height: number}} size
   */
  constructor(source, draw, size) {
    this.#source = source;
    this.#draw = draw;
    this.#size = size;
    this.ground = make("div", { className: "cards-ground" });
    this.element = make("div", { className: "cards-scroll", tabIndex: -1 }, this.ground);
    this.total = 0;
    this.element.addEventListener("scroll", () => this.#plan(), { passive: true });
    new ResizeObserver(() => this.#plan()).observe(this.element);
  }

  /**
   * Asks anew, from the top or from where the artist is; resolves with the first page's answer.
   * @param {{stay?: boolean}} [options]
   */
  async load({ stay = false } = {}) {
    const turn = ++this.#turn;
    const first = stay ? Math.floor(this.#firstSeen() / PAGE) * PAGE : 0;
    const answer = await this.#source(first, PAGE);
    if (turn !== this.#turn) return null;
    this.#items.clear();
    this.#asked = new Set([first]);
    this.#keep(first, answer);
    if (!stay) this.element.scrollTop = 0;
    this.#clear();
    this.#paint();
    return answer;
  }

  /**
   * Draws one card anew.
   * @param {Card} card
   */
  change(card) {
    for (const [at, old] of this.#items) {
      if (old.id !== card.id) continue;
      this.#items.set(at, card);
      this.#shown.get(at)?.remove();
      this.#shown.delete(at);
    }
    this.#paint();
  }

  /**
   * Puts the keyboard on a card, if it is in the page.
   * @param {string} id
   */
  focus(id) {
    this.each((element, card) => card.id === id && element.focus());
  }

  /**
   * Calls `look(element, card)` for each that is in the page now.
   * @param {(element: HTMLElement, card: Card) => void} look
   */
  each(look) {
    for (const [at, element] of this.#shown) {
      const card = this.#items.get(at);
      if (card) look(element, card);
    }
  }

  /**
   * @param {number} offset
   * @param {CardPage} answer
   */
  #keep(offset, { total, cards }) {
    this.total = total;
    cards.forEach((card, index) => this.#items.set(offset + index, card));
  }

  #plan() {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    requestAnimationFrame(() => {
      this.#isPlanned = false;
      this.#paint();
    });
  }

  #columns() {
    return Math.max(1, Math.floor(this.element.clientWidth / this.#size.width));
  }

  #firstSeen() {
    return Math.floor(this.element.scrollTop / this.#size.height) * this.#columns();
  }

  #clear() {
    for (const element of this.#shown.values()) element.remove();
    this.#shown.clear();
  }

  #paint() {
    if (!this.element.clientWidth) return;
    const columns = this.#columns();
    const width = this.element.clientWidth / columns;
    const { height } = this.#size;
    this.ground.style.height = `${Math.ceil(this.total / columns) * height}px`;
    const top = Math.floor(this.element.scrollTop / height) - SPARE_ROWS;
    const bottom = Math.ceil((this.element.scrollTop + this.element.clientHeight) / height) + SPARE_ROWS;
    const [first, last] = [Math.max(0, top * columns), Math.min(this.total, bottom * columns)];
    for (const [at, element] of this.#shown) {
      if (at >= first && at < last) continue;
      element.remove();
      this.#shown.delete(at);
    }
    for (let at = first; at < last; at++) this.#place(at, columns, width, height);
  }

  /**
   * @param {number} at
   * @param {number} columns
   * @param {number} width
   * @param {number} height
   */
  #place(at, columns, width, height) {
    const card = this.#items.get(at);
    if (!card) return void this.#fetch(Math.floor(at / PAGE) * PAGE);
    let element = this.#shown.get(at);
    if (!element) {
      element = this.#draw(card);
      this.#shown.set(at, element);
      this.ground.append(element);
    }
    element.style.transform = `translate(${(at % columns) * width}px, ${Math.floor(at / columns) * height}px)`;
    element.style.width = `${width - 10}px`;
    element.style.height = `${height - 10}px`;
  }

  /** @param {number} offset */
  async #fetch(offset) {
    if (this.#asked.has(offset)) return;
    this.#asked.add(offset);
    const turn = this.#turn;
    try {
      const answer = await this.#source(offset, PAGE);
      if (turn !== this.#turn) return;
      this.#keep(offset, answer);
      this.#plan();
    } catch {
      // Asked again when the artist scrolls on.
      this.#asked.delete(offset);
    }
  }
}

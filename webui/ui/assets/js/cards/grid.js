// A list of any length of which only what can be seen is in the page. Tab stops at one card of it; arrows, Home and End
// go to others.
import { make } from "../controls.js";
import { closest } from "../dom.js";
import { mainButton, setReachable } from "./card.js";

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
  /** The place in the list of the card at which Tab stops. */
  #current = 0;
  /** Whether the current card should get the focus as soon as it is drawn. */
  #isAwaited = false;

  /**
   * `source(offset, limit)` gives {total, cards}; `draw(card)` an element; `size`, {width, height}, is in pixels.
   * @param {(offset: number, limit: number) => Promise<CardPage>} source
   * @param {(card: Card) => HTMLElement} draw
   * @param {{width: number, height: number}} size
   * @param {string} label
   */
  constructor(source, draw, size, label) {
    this.#source = source;
    this.#draw = draw;
    this.#size = size;
    this.ground = make("div", { className: "cards-ground", attributes: { role: "list", "aria-label": label } });
    this.element = make("div", { className: "cards-scroll", tabIndex: -1 }, this.ground);
    this.total = 0;
    this.element.addEventListener("scroll", () => this.#plan(), { passive: true });
    this.ground.addEventListener("keydown", (event) => this.#pressKey(event));
    this.ground.addEventListener("focusin", (event) => this.#follow(event));
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
    if (!stay) this.element.scrollTop = this.#current = 0;
    this.#isAwaited ||= this.ground.contains(document.activeElement);
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
      const element = this.#shown.get(at);
      const focused = [...(element?.querySelectorAll("button") ?? [])].findIndex((button) => button === document.activeElement);
      element?.remove();
      this.#shown.delete(at);
      this.#paint();
      this.#shown.get(at)?.querySelectorAll("button")[focused]?.focus({ preventScroll: true });
    }
  }

  /**
   * Puts the keyboard on a card, if it is in the page.
   * @param {string} id
   */
  focus(id) {
    this.each((element, card) => card.id === id && mainButton(element)?.focus());
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

  /** @param {KeyboardEvent} event */
  #pressKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const columns = this.#columns();
    const rows = Math.max(1, Math.floor(this.element.clientHeight / this.#size.height));
    const place = {
      ArrowLeft: this.#current - 1,
      ArrowRight: this.#current + 1,
      ArrowUp: this.#current < columns ? this.#current : this.#current - columns,
      ArrowDown: this.#current + columns,
      PageUp: this.#current - columns * rows,
      PageDown: this.#current + columns * rows,
      Home: 0,
      End: this.total - 1,
    }[event.key];
    if (place === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    this.#go(Math.max(0, Math.min(place, this.total - 1)));
  }

  /**
   * Gives a place in the list the focus, and scrolls to it; a card that is not there yet gets it when it comes.
   * @param {number} place
   */
  #go(place) {
    this.#current = place;
    this.#isAwaited = true;
    const top = Math.floor(place / this.#columns()) * this.#size.height;
    const { scrollTop, clientHeight } = this.element;
    if (top < scrollTop) this.element.scrollTop = top;
    else if (top + this.#size.height > scrollTop + clientHeight) this.element.scrollTop = top + this.#size.height - clientHeight;
    this.#paint();
  }

  /** Tab stops where the artist was last. @param {FocusEvent} event */
  #follow(event) {
    const card = closest(event, ".card");
    for (const [at, element] of this.#shown) if (element === card) this.#current = at;
    this.#markReachable();
  }

  /** One card can be reached with Tab: the current one, or the first that can be seen. */
  #markReachable() {
    const places = [...this.#shown.keys()].sort((a, b) => a - b);
    const first = places.find((at) => at >= this.#firstSeen());
    const stop = this.#shown.has(this.#current) ? this.#current : first;
    for (const [at, element] of this.#shown) setReachable(element, at === stop);
    const current = this.#shown.get(this.#current);
    if (!this.#isAwaited || !current) return;
    this.#isAwaited = false;
    mainButton(current)?.focus({ preventScroll: true });
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
      if ((at >= first && at < last) || element.contains(document.activeElement)) continue;
      element.remove();
      this.#shown.delete(at);
    }
    for (let at = first; at < last; at++) this.#place(at, columns, width, height);
    this.#markReachable();
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
    element.setAttribute("aria-posinset", String(at + 1));
    element.setAttribute("aria-setsize", String(this.total));
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

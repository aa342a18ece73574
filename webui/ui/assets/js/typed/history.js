// The undo history of one text box. Typed runs count as one step, as in browsers, and so does what scripts write at one
// press.

/**
 * A text with its selection. `action` tells steps of one press from those of others; see `write`.
 * @typedef {{text: string, start: number, end: number}} Shown
 * @typedef {{before: Shown, after: Shown, action: number}} TextStep
 */

// Prompts are short, but a pasted book must not fill the memory.
const MOST_STEPS = 1000;
const MOST_LETTERS = 4_000_000;
// The run of what scripts write.
const WRITTEN = "written";

export class TextHistory {
  /** @type {TextStep[]} */
  #past = [];
  /** @type {TextStep[]} */
  #future = [];
  /** The kind of typing that goes on, such as "insertText"; empty between runs. */
  #run = "";
  #shown;

  /** @param {Shown} shown what the box shows to begin with */
  constructor(shown) {
    this.#shown = shown;
  }

  /** What the box shows as far as this history knows. */
  get shown() {
    return this.#shown;
  }

  /** The press that the last step belongs to, 0 without one. */
  get lastAction() {
    return this.#past.at(-1)?.action ?? 0;
  }

  /** The press that the next step to redo belongs to, 0 without one. */
  get nextAction() {
    return this.#future.at(-1)?.action ?? 0;
  }

  /** Begins anew with another text, which nothing can undo. */
  begin(/** @type {Shown} */ shown) {
    this.#past = [];
    this.#future = [];
    this.#run = "";
    this.#shown = shown;
  }

  /**
   * The selection moved; where it did, typing begins a new step.
   * @param {number} start
   * @param {number} end
   */
  select(start, end) {
    if (start === this.#shown.start && end === this.#shown.end) return;
    this.#shown = { ...this.#shown, start, end };
    this.#run = "";
  }

  /**
   * The text changed. Typing of one kind that goes on where it was belongs to the step before, as does what scripts
   * write at the same press.
   * @param {Shown} shown
   * @param {number} action the number of the artist's press, by which steps in several boxes belong together
   * @param {string} [kind] the kind of typing; empty for anything else
   */
  write(shown, action, kind = "") {
    if (shown.text === this.#shown.text) return this.select(shown.start, shown.end);
    const last = this.#past.at(-1);
    const goesOn = kind ? kind === this.#run : last?.action === action && this.#run === WRITTEN;
    if (last && goesOn) this.#past[this.#past.length - 1] = { ...last, after: shown };
    else this.#past.push({ before: this.#shown, after: shown, action });
    this.#future = [];
    this.#run = kind || WRITTEN;
    this.#shown = shown;
    this.#trim();
  }

  /** The next typing begins a new step. */
  rest() {
    this.#run = "";
  }

  /** Takes the last step back; what the box shows then, null where there is none. */
  undo() {
    return this.#move(this.#past, this.#future, "before");
  }

  /** Does the step again that was taken back last; what the box shows then, null where there is none. */
  redo() {
    return this.#move(this.#future, this.#past, "after");
  }

  /**
   * @param {TextStep[]} from
   * @param {TextStep[]} to
   * @param {"before" | "after"} side
   */
  #move(from, to, side) {
    const step = from.pop();
    if (!step) return null;
    to.push(step);
    this.#run = "";
    this.#shown = step[side];
    return this.#shown;
  }

  #trim() {
    let letters = this.#past.reduce((sum, { before, after }) => sum + before.text.length + after.text.length, 0);
    while (this.#past.length > 1 && (letters > MOST_LETTERS || this.#past.length > MOST_STEPS)) {
      const { before, after } = /** @type {TextStep} */ (this.#past.shift());
      letters -= before.text.length + after.text.length;
    }
  }
}

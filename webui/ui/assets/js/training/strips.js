// Sample strips: a row for each prompt, a column for each step at which samples were made. A click enlarges.
import { make } from "../controls.js";
import { isShown } from "../dom.js";
import { button, dialogButtons, openDialog } from "../dialogs.js";
import { address } from "../server.js";
import { arrange, neighbour } from "./arrange.js";

export class Strips {
  #shown = "";
  // Whether the newest samples have been scrolled to since the strips were first seen.
  #isPlaced = false;

  /** @param {(prompt: string) => Promise<unknown>} onPrompt throws what the server refuses */
  constructor(onPrompt) {
    this.table = make("table", { className: "train-strips" });
    this.scroll = make("div", { className: "train-strips-scroll", tabIndex: 0, attributes: { role: "region", "aria-label": "Sample pictures" } }, this.table);
    this.none = make("p", { className: "hint", textContent: "Sample pictures come while it trains: the same prompts and seeds each time, so that you see it learn." });
    this.prompt = make("input", { type: "text", id: "train_own_prompt", placeholder: "A prompt of your own", autocomplete: "off", attributes: { "aria-label": "A prompt of your own" } });
    this.try = make("button", { type: "submit", textContent: "Try it with every checkpoint" });
    this.said = make("p", { className: "hint", attributes: { role: "status" } });
    this.form = make("form", { className: "train-own" }, this.prompt, this.try);
    this.form.onsubmit = (event) => {
      event.preventDefault();
      void this.#send(onPrompt);
    };
    this.element = make("section", { className: "train-samples", attributes: { "aria-label": "Samples" } },
      make("h3", { textContent: "Samples" }), this.none, this.scroll, this.form, this.said);
  }

  /** @param {(prompt: string) => Promise<unknown>} onPrompt */
  async #send(onPrompt) {
    const prompt = this.prompt.value.trim();
    if (!prompt) return this.prompt.focus();
    this.try.disabled = true;
    try {
      await onPrompt(prompt);
      this.prompt.value = "";
      this.said.textContent = "A row of it comes below the others, a picture for each saved checkpoint.";
    } catch (error) {
      this.said.textContent = error instanceof Error ? error.message : String(error);
    }
    this.try.disabled = false;
  }

  /** @param {RunSample[]} samples @param {number | null} best @param {boolean} canAsk */
  show(samples, best, canAsk) {
    this.form.hidden = !canAsk;
    this.none.hidden = samples.length > 0;
    this.scroll.hidden = !samples.length;
    const now = JSON.stringify([samples.map(({ url }) => url), best]);
    if (now !== this.#shown) this.#draw(samples, best);
    this.#shown = now;
    if (this.#isPlaced || !isShown(this.table)) return;
    this.#isPlaced = true;
    this.scroll.scrollLeft = this.scroll.scrollWidth;
  }

  /** Another run's strips begin at their newest again. */
  forget() {
    this.#isPlaced = false;
  }

  /** @param {RunSample[]} samples @param {number | null} best */
  #draw(samples, best) {
    const isAtEnd = this.scroll.scrollLeft + this.scroll.clientWidth >= this.scroll.scrollWidth - 4;
    const strips = arrange(samples);
    const head = make("tr", {}, make("td", {}), ...strips.steps.map((step) =>
      make("th", { className: step === best ? "best" : "", textContent: step ? `Step ${step}` : "Before", attributes: { scope: "col" } })));
    const rows = strips.rows.map((row) => make("tr", {},
      make("th", { title: row.text, attributes: { scope: "row" } }, make("span", { textContent: row.text })),
      ...row.cells.map((cell) => this.#cell(cell, strips, best))));
    this.table.replaceChildren(make("thead", {}, head), make("tbody", {}, ...rows));
    if (isAtEnd) this.scroll.scrollLeft = this.scroll.scrollWidth;
  }

  /**
   * @param {RunSample | null} sample
   * @param {ReturnType<typeof arrange>} strips
   * @param {number | null} best
   */
  #cell(sample, strips, best) {
    if (!sample) return make("td", { className: "missing" });
    const words = `Step ${sample.step}: ${sample.text}`;
    const picture = make("img", { src: address(sample.url).href, alt: words, loading: "lazy", decoding: "async" });
    const open = make("button", { type: "button", title: "Enlarge", onclick: () => enlarge(strips, sample) }, picture);
    return make("td", { className: sample.step === best ? "best" : "" }, open);
  }
}

/**
 * A sample over the page; arrow keys go to its neighbours.
 * @param {ReturnType<typeof arrange>} strips
 * @param {RunSample} first
 */
function enlarge(strips, first) {
  let shown = first;
  const picture = make("img", { alt: "" });
  const words = make("p", { attributes: { "aria-live": "polite" } });
  const show = (/** @type {RunSample} */ sample) => {
    shown = sample;
    picture.src = address(sample.url).href;
    picture.alt = sample.text;
    words.textContent = `${sample.step ? `Step ${sample.step}` : "Before training"}: ${sample.text}`;
  };
  const go = (/** @type {string} */ key) => show(neighbour(strips, shown, key));
  const dialog = openDialog("Sample", {}, picture, words,
    dialogButtons(button("Earlier", () => go("ArrowLeft")), button("Later", () => go("ArrowRight")), null,
      button("Close", () => dialog.close(), { className: "primary" })));
  dialog.classList.add("train-sample-dialog");
  dialog.addEventListener("keydown", (event) => {
    if (!event.key.startsWith("Arrow")) return;
    event.preventDefault();
    go(event.key);
  });
  show(first);
}

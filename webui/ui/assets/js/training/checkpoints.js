// The files that a run saved: each can be used in txt2img, and one be marked as the best.
import { make } from "../controls.js";
import { button } from "../dialogs.js";

export class Checkpoints {
  #shown = "";

  /**
   * @param {(step: number) => Promise<unknown>} onUse
   * @param {(step: number | null) => void} onBest
   */
  constructor(onUse, onBest) {
    this.onUse = onUse;
    this.onBest = onBest;
    this.list = make("ul", { className: "train-checkpoints" });
    this.none = make("p", { className: "hint", textContent: "Files that can be used come while it trains, and the last at its end." });
    this.element = make("section", { className: "train-saved", attributes: { "aria-label": "Checkpoints" } },
      make("h3", { textContent: "Checkpoints" }), this.none, this.list);
  }

  /** @param {RunCheckpoint[]} checkpoints @param {number | null} best */
  show(checkpoints, best) {
    this.none.hidden = checkpoints.length > 0;
    const now = JSON.stringify([checkpoints, best]);
    if (now === this.#shown) return;
    this.#shown = now;
    const focused = document.activeElement instanceof HTMLElement && this.list.contains(document.activeElement) ? document.activeElement.dataset.act : null;
    const newest = checkpoints.toSorted((one, other) => other.step - one.step);
    this.list.replaceChildren(...newest.map((each, index) => this.#row(each, best, index === 0)));
    if (focused) this.list.querySelector(/** @type {"button"} */ (`[data-act="${focused}"]`))?.focus();
  }

  /**
   * @param {RunCheckpoint} checkpoint
   * @param {number | null} best
   * @param {boolean} isNewest
   */
  #row({ step, file, is_final: isFinal }, best, isNewest) {
    const isBest = step === best;
    const star = make("button", {
      type: "button",
      className: `tool ${isBest ? "icon-star-full" : "icon-star"}`,
      title: "Best",
      textContent: "Best",
      onclick: () => this.onBest(isBest ? null : step),
      attributes: { "aria-pressed": String(isBest), "aria-label": `Best: step ${step}`, "data-act": `best ${step}` },
    });
    const use = button("Use in txt2img", async () => {
      use.disabled = true;
      await this.onUse(step);
      use.disabled = false;
    }, { className: isBest || (best === null && isNewest) ? "primary" : "", title: `Write it into the prompt of txt2img, as it was at step ${step}` });
    use.dataset.act = `use ${step}`;
    const words = make("span", { className: "train-checkpoint-words" },
      make("strong", { textContent: `Step ${step}${isFinal ? ", the end" : ""}` }),
      make("span", { className: "hint", textContent: file.split(/[\\/]/).at(-1) ?? file, title: file }));
    return make("li", { className: isBest ? "best" : "" }, star, words, use);
  }
}

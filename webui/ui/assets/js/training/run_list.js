// All runs, newest first: what they are called, their state, and how far they are.
import { make } from "../controls.js";
import { stateText } from "./words.js";

export class RunList {
  /** @param {(name: string) => void} onChoose */
  constructor(onChoose) {
    this.onChoose = onChoose;
    this.list = make("ul", { className: "train-run-list" });
    this.none = make("p", { className: "hint", textContent: "No run yet. Drop pictures on the first page, and press Train." });
    this.element = make("nav", { className: "train-runs-side", attributes: { "aria-label": "Runs" } }, this.list, this.none);
  }

  /** @param {RunSummary[]} runs @param {string} chosen */
  show(runs, chosen) {
    this.none.hidden = runs.length > 0;
    const focused = document.activeElement instanceof HTMLElement && this.list.contains(document.activeElement) ? document.activeElement.dataset.run : null;
    this.list.replaceChildren(...runs.map((run) => this.#row(run, run.name === chosen)));
    if (focused) for (const each of this.list.querySelectorAll("button")) if (each.dataset.run === focused) each.focus();
  }

  /** @param {RunSummary} run @param {boolean} isChosen */
  #row({ name, state, step, steps, error, method }, isChosen) {
    const far = state === "done" || !steps ? "" : ` · ${step} of ${steps}`;
    const row = make("button", {
      type: "button",
      title: error ?? "",
      onclick: () => this.onChoose(name),
      attributes: { "data-run": name, ...(isChosen ? { "aria-current": "true" } : {}) },
    },
    make("span", { className: "train-run-name", textContent: name }),
    make("span", { className: "train-run-facts" },
      make("span", { className: `train-state ${state}`, textContent: stateText(state) }),
      make("span", { className: "hint", textContent: `${method}${far}` })),
    ...(error ? [make("span", { className: "train-run-error", textContent: error })] : []));
    return make("li", {}, row);
  }
}

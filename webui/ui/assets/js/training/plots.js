// The two plots of a run: loss, raw and smoothed, and learning rates.
import { make } from "../controls.js";
import { Plot } from "./plot.js";

const MOST_RATES = 4;

export class Plots {
  constructor() {
    this.loss = new Plot("Loss", { canBeLog: true });
    this.rate = new Plot("Learning rate");
    this.element = make("div", { className: "train-plots" }, this.loss.element, this.rate.element);
  }

  /** @param {LogLine[]} log @param {number} steps */
  show(log, steps) {
    this.loss.show(log, [
      { label: "each step", className: "raw", values: ({ loss }) => loss },
      { label: "smoothed", className: "smooth", values: (line) => line.average_loss },
    ], steps);
    const groups = Object.keys(log.at(-1)?.rates ?? {}).slice(0, MOST_RATES);
    this.rate.show(log, groups.map((group, index) => ({
      label: groups.length > 1 ? group : "",
      className: `rate-${index}`,
      values: ({ rates }) => rates[group] ?? Number.NaN,
    })), steps);
  }
}

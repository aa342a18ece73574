// The page of runs: the list, and the one that is chosen with its plots, samples and files.
import { make } from "../controls.js";
import { find, isShown } from "../dom.js";
import { bestOf, markBest } from "./best.js";
import { Checkpoints } from "./checkpoints.js";
import { Notice } from "./notice.js";
import { Plots } from "./plots.js";
import { runs } from "./requests.js";
import { RunHead } from "./run_head.js";
import { RunList } from "./run_list.js";
import { Strips } from "./strips.js";
import { useInPrompt } from "./use.js";
import { isGoing, Watch } from "./watch.js";

export class RunsView {
  /** @type {RunSummary[]} */
  #runs = [];

  /** @param {{onAgain: (run: AskedRun) => void, onChoose: (name: string) => void}} events */
  constructor(events) {
    this.events = events;
    this.notice = new Notice();
    this.list = new RunList((name) => this.choose(name));
    this.head = new RunHead({
      tell: (what) => void this.#tell(what),
      again: () => this.watch.detail && events.onAgain(this.watch.detail.run),
      remove: () => void this.#remove(),
    });
    this.plots = new Plots();
    this.strips = new Strips((prompt) => this.#sample(prompt));
    this.checkpoints = new Checkpoints((step) => this.#use(step), (step) => this.#best(step));
    this.inside = make("div", { className: "train-run-inside", hidden: true },
      this.head.element, this.plots.element,
      make("div", { className: "train-results" }, this.strips.element, this.checkpoints.element));
    this.element = make("div", { className: "train-runs" }, this.list.element,
      make("article", { className: "train-run", attributes: { "aria-label": "Run" } }, this.notice.element, this.inside));
    this.watch = new Watch(() => !document.hidden && isShown(this.element), (detail) => this.#show(detail), (error) => this.notice.fail(error));
  }

  /** Reads the list; the run that goes on is chosen, else the one of before. @param {string} [before] */
  async begin(before = "") {
    await this.#readList();
    const going = this.#runs.find(({ state }) => isGoing(state));
    const chosen = going ?? this.#runs.find(({ name }) => name === before) ?? this.#runs[0];
    if (chosen) this.choose(chosen.name);
    return Boolean(going);
  }

  async #readList() {
    try {
      this.#runs = await runs.list();
      this.list.show(this.#runs, this.watch.name);
    } catch (error) {
      this.notice.fail(error);
    }
  }

  /** @param {string} name */
  choose(name) {
    this.notice.clear();
    this.strips.forget();
    this.events.onChoose(name);
    this.watch.follow(name);
    if (this.#runs.some((run) => run.name === name)) this.list.show(this.#runs, name);
    else void this.#readList();
  }

  /** Something of this page is seen again. */
  wake() {
    this.watch.wake();
  }

  /** @param {RunDetail} detail */
  #show(detail) {
    this.inside.hidden = false;
    if (this.notice.element.classList.contains("error")) this.notice.clear();
    this.head.show(detail);
    this.plots.show(detail.log, detail.steps);
    this.#showResults(detail);
    this.#showInList(detail);
    showInTab(detail);
  }

  /** @param {RunDetail} detail */
  #showResults({ name, samples, checkpoints, filled }) {
    const best = bestOf(name);
    const makesPictures = filled?.method !== "controlnet";
    this.strips.show(samples, best, makesPictures && checkpoints.length > 0);
    this.checkpoints.show(checkpoints, best);
  }

  /** @param {RunDetail} detail */
  #showInList({ name, state, step, steps, error }) {
    const known = this.#runs.find((run) => run.name === name);
    if (!known) return void this.#readList();
    const isOther = known.state !== state;
    this.#runs = this.#runs.map((run) => (run === known ? { ...run, state, step, steps, error } : run));
    this.list.show(this.#runs, name);
    if (!isOther) return;
    this.notice.clear();
    void this.#readList();
  }

  /** @param {"pause" | "resume" | "stop"} what */
  async #tell(what) {
    try {
      await runs.tell(this.watch.name, what);
      if (what === "stop") this.notice.say("It stops after this step, and saves what it has learned.");
      else this.notice.clear();
    } catch (error) {
      this.notice.fail(error);
    }
    await this.watch.look();
  }

  /** @param {string} prompt */
  async #sample(prompt) {
    await runs.sample(this.watch.name, { prompt, seed: this.watch.detail?.filled?.sample_seed ?? 0 });
    await this.watch.look();
  }

  /** @param {number} step */
  async #use(step) {
    const { detail } = this.watch;
    if (!detail) return;
    try {
      const used = await runs.use(detail.name, step);
      await useInPrompt(used, detail.filled?.trigger ?? detail.run.trigger ?? "");
    } catch (error) {
      this.notice.fail(error);
    }
  }

  /** @param {number | null} step */
  #best(step) {
    const { detail } = this.watch;
    if (!detail) return;
    markBest(detail.name, step);
    this.#showResults(detail);
  }

  async #remove() {
    const { name } = this.watch;
    try {
      await runs.remove(name);
      this.watch.follow("");
      this.inside.hidden = true;
      await this.begin();
      this.notice.say(`The run ${name} is in the trash.`);
    } catch (error) {
      this.notice.fail(error);
    }
  }
}

/** The tab's button tells how far a run is, for who is in another tab. @param {RunDetail} detail */
function showInTab({ state, step, steps }) {
  const button = find("#tab_train-button");
  if (!button) return;
  if (state === "running" && steps) button.dataset.share = `${Math.floor((100 * step) / steps)} %`;
  else delete button.dataset.share;
}

// "What shall it learn?": goal, method, checkpoint, name and trigger word, all settings, and the one button.
import { make } from "../controls.js";
import { appears, find } from "../dom.js";
import { button, sizeText } from "../dialogs.js";
import { ask, isAbort } from "../server.js";
import { AllSettings } from "./all_settings.js";
import { askedRun, missingOf } from "./asked.js";
import { writtenCaption } from "./filters.js";
import { runNameFor, sharedWord, triggerFor } from "./intake.js";
import { Notice } from "./notice.js";
import { runs } from "./requests.js";
import { counted, durationText } from "./words.js";

// A field that is being changed asks no more often.
const PATIENCE_MS = 400;
const FIRST = { goal: "character", method: "lora" };

export class Setup {
  /** @type {TrainingMethods | null} */
  #methods = null;
  /** @type {TrainingCheck | null} */
  #check = null;
  /** @type {AbortController | null} */
  #asking = null;
  #timer = 0;

  /**
   * @param {AskedRun} run what was asked for last
   * @param {{onRun: (run: AskedRun) => void, onCheck: (check: TrainingCheck) => void, onStart: (name: string) => void,
   *   toPictures: () => void}} events
   */
  constructor(run, events) {
    this.run = /** @type {AskedRun} */ ({ ...FIRST, ...run });
    this.events = events;
    this.notice = new Notice();
    this.all = new AllSettings((name, value) => this.set({ [name]: value }));
    this.goals = make("div", { className: "train-goals", attributes: { role: "radiogroup", "aria-label": "What shall it learn?" } });
    this.method = make("select", { id: "train_method", onchange: () => this.set({ method: this.method.value }) });
    this.methodAbout = make("p", { className: "hint" });
    this.checkpoint = make("select", { id: "train_checkpoint", onchange: () => this.set({ checkpoint: this.checkpoint.value }) });
    this.name = make("input", { type: "text", id: "train_name", maxLength: 120, autocomplete: "off", oninput: () => this.set({ name: this.name.value.trim() }) });
    this.trigger = make("input", { type: "text", id: "train_trigger", autocomplete: "off", oninput: () => this.set({ trigger: this.trigger.value.trim() }) });
    this.plan = make("p", { className: "train-plan", attributes: { role: "status" } });
    this.sentences = make("ul", { className: "train-sentences" });
    this.go = button("Train", () => void this.#start(), { className: "primary train-go" });
    this.go.id = "train_train";
    this.element = make("section", { className: "train-setup", attributes: { "aria-label": "What shall it learn?" } },
      make("h2", { textContent: "What shall it learn?" }),
      this.goals,
      field("Name", this.name, "The file is called so."),
      field("Trigger word", this.trigger, "Write it in a prompt to call what was learned."),
      make("div", { className: "train-pair" }, field("Method", this.method), field("Checkpoint", this.checkpoint)),
      this.methodAbout, this.all.element, this.sentences,
      make("div", { className: "train-foot" }, this.plan, this.notice.element, this.go));
  }

  /** Reads what there is to choose from. */
  async begin() {
    try {
      const [methods, checkpoints] = await Promise.all([runs.methods(), ask("GET", "v1/choices/checkpoints")]);
      // How much memory there is concerns each of them.
      for (const method of methods.methods) if (!method.fields.includes("memory")) method.fields.push("memory");
      this.#methods = methods;
      this.#fillLists(methods, checkpoints);
      await this.#followSelected();
      this.show();
    } catch (error) {
      this.notice.fail(error, button("Try again", () => void this.begin()));
    }
  }

  /** The checkpoint is the selected one until the artist takes another. */
  async #followSelected() {
    await appears("#setting_sd_model_checkpoint input");
    const titles = [...this.checkpoint.options].map(({ value }) => value);
    if (!titles.includes(this.run.checkpoint)) this.set({ checkpoint: find("#setting_sd_model_checkpoint input")?.value || titles[0] || "" });
  }

  /** @param {TrainingMethods} methods @param {string[]} checkpoints */
  #fillLists(methods, checkpoints) {
    this.method.replaceChildren(...methods.methods.map(({ name, title }) => make("option", { value: name, textContent: title })));
    this.checkpoint.replaceChildren(...checkpoints.map((title) => make("option", { value: title, textContent: title })));
    this.goals.replaceChildren(...methods.goals.map(({ name, title, about }) => {
      const input = make("input", { type: "radio", name: "train_goal", value: name, onchange: () => this.set({ goal: name }) });
      return make("label", { className: `train-goal goal-${name}` }, input,
        make("span", { className: "train-goal-icon", attributes: { "aria-hidden": "true" } }),
        make("span", { className: "train-goal-words" }, make("strong", { textContent: title }), make("span", { className: "hint", textContent: about })));
    }));
  }

  /** @param {AskedRun} changes */
  set(changes) {
    this.run = { ...this.run, ...changes };
    this.events.onRun(this.run);
    this.show();
    this.#askSoon();
  }

  /** Fills the panel with a run of before. @param {AskedRun} run */
  fill(run) {
    this.run = { ...FIRST };
    this.set(run);
  }

  /**
   * Takes over the pictures that are on the desk. Name and trigger word are suggested from their folder's name, and
   * stay what the artist wrote.
   * @param {DataSet | null} data
   */
  takeData(data) {
    const has = Boolean(data?.examples.length);
    const name = data?.name ?? "";
    const isNew = has && this.run.data !== name;
    const isOwn = this.run.name && ![this.run.data, runNameFor(this.run.data, this.run.trigger ?? "")].includes(this.run.name);
    const captions = (data?.examples ?? []).filter((each) => !each.is_regularisation).map(writtenCaption);
    const trigger = triggerFor(name, captions);
    const suggested = isNew && !isOwn ? { name: runNameFor(name, sharedWord(captions)), trigger } : {};
    this.set({ data: has ? name : "", ...suggested });
  }

  #askSoon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#askCheck(), PATIENCE_MS);
  }

  async #askCheck() {
    this.#asking?.abort();
    if (missingOf(this.run)) return this.#showCheck(null);
    this.#asking = new AbortController();
    try {
      this.#showCheck(await runs.check(this.asked(), this.#asking.signal));
      this.notice.clear();
    } catch (error) {
      if (!isAbort(error)) this.notice.fail(error);
    }
  }

  asked() {
    return askedRun(this.run, this.#used());
  }

  #used() {
    return this.#method()?.fields ?? [];
  }

  #method() {
    return this.#methods?.methods.find(({ name }) => name === this.run.method) ?? this.#methods?.methods[0];
  }

  /** @param {TrainingCheck | null} check */
  #showCheck(check) {
    this.#check = check;
    if (check) this.events.onCheck(check);
    this.show();
  }

  show() {
    const { run } = this;
    const method = this.#method();
    if (!method || !this.#methods) return;
    for (const input of this.goals.querySelectorAll("input")) input.checked = input.value === run.goal;
    this.method.value = method.name;
    this.methodAbout.textContent = method.about;
    this.checkpoint.value = run.checkpoint ?? "";
    if (document.activeElement !== this.name) this.name.value = run.name ?? "";
    if (document.activeElement !== this.trigger) this.trigger.value = run.trigger ?? "";
    this.trigger.placeholder = this.#check?.run.trigger ?? "";
    this.all.show(this.#methods, method, run, this.#check);
    this.sentences.replaceChildren(...fewOf(this.#check?.sentences ?? []).map((words) => make("li", { textContent: words })));
    this.plan.textContent = this.#check ? planText(this.#check) : (missingOf(run)?.sentence ?? "");
  }

  async #start() {
    const missing = missingOf(this.run);
    if (missing) return this.#goTo(missing);
    this.go.disabled = true;
    try {
      const { name } = await runs.start(this.asked());
      this.notice.clear();
      this.events.onStart(name);
    } catch (error) {
      this.notice.fail(error);
    }
    this.go.disabled = false;
  }

  /** @param {{sentence: string, field: string}} missing */
  #goTo({ sentence, field: name }) {
    this.notice.say(sentence, "warning");
    if (name === "data") this.events.toPictures();
    else (name === "name" ? this.name : this.checkpoint).focus();
  }
}

/**
 * @param {string} words
 * @param {HTMLInputElement | HTMLSelectElement} input
 * @param {string} [hint]
 */
function field(words, input, hint = "") {
  const about = hint ? [make("span", { className: "hint", textContent: hint })] : [];
  return make("label", { className: "train-field" }, make("span", { textContent: words }), input, ...about);
}

const FEW = 3;

/** The first sentences; the pictures on the desk tell the others. @param {string[]} sentences */
function fewOf(sentences) {
  const more = sentences.length - FEW;
  return more > 1 ? [...sentences.slice(0, FEW), `And ${more} more like these: see the pictures.`] : sentences;
}

/** @param {TrainingCheck} check */
function planText({ pictures, steps, estimate }) {
  const seconds = estimate.seconds_per_step ? `about ${durationText(steps * estimate.seconds_per_step)}` : "";
  const memory = estimate.memory_bytes ? `${sizeText(estimate.memory_bytes)} of memory` : "";
  return [counted(pictures, "picture"), counted(steps, "step"), seconds, memory].filter(Boolean).join(" · ");
}

// The head of a run: what it is, how far it is, and the buttons that pause, stop and resume it.
import { make } from "../controls.js";
import { button, sizeText, twiceButton } from "../dialogs.js";
import { isGoing } from "./watch.js";
import { counted, durationText, stateText } from "./words.js";

const MEANWHILE = "You can make pictures meanwhile: they come between two steps, and the run goes on by itself.";

/** @typedef {{tell: (what: "pause" | "resume" | "stop") => void, again: () => void, remove: () => void}} HeadActions */

export class RunHead {
  /** @param {HeadActions} actions */
  constructor({ tell, again, remove }) {
    this.title = make("h2");
    this.state = make("span", { className: "train-state" });
    this.about = make("p", { className: "hint" });
    this.bar = make("div", { className: "train-bar", attributes: { role: "progressbar", "aria-label": "Progress of the training", "aria-valuemin": "0" } }, make("span"));
    this.bar.id = "ti_progress";
    this.facts = make("p", { className: "train-progress-words", attributes: { "aria-live": "off" } });
    this.meanwhile = make("p", { className: "hint train-meanwhile" });
    this.error = make("div", { className: "notice-box error", attributes: { role: "alert" }, hidden: true });
    this.pause = button("Pause", () => tell("pause"), { title: "Wait after this step: the machine is free until you resume it" });
    this.stop = button("Stop", () => tell("stop"), { title: "Save it and end; it can be resumed" });
    this.stop.id = "train_interrupt_training";
    this.resume = button("Resume", () => tell("resume"), { className: "primary", title: "Go on where it was" });
    this.again = button("Change and train again", again, { title: "Take its pictures and settings to the first page" });
    this.remove = twiceButton("Delete", "Really delete?", remove, { title: "Move the run's folder to the trash; the finished file stays" });
    this.element = make("header", { className: "train-run-head" },
      make("div", { className: "train-run-title" }, this.title, this.state,
        make("span", { className: "train-run-buttons" }, this.pause, this.resume, this.stop, this.again, this.remove)),
      this.about, this.error, this.bar, this.facts, this.meanwhile);
  }

  /** @param {RunDetail} detail */
  show(detail) {
    const { name, run, filled, state, error } = detail;
    const isOn = isGoing(state);
    this.title.textContent = name;
    this.state.textContent = stateText(state);
    this.state.className = `train-state ${state}`;
    this.about.textContent = aboutText({ ...run, ...filled });
    this.error.hidden = !error;
    this.error.textContent = error ?? "";
    this.#showBar(detail);
    this.facts.textContent = progressText(detail);
    this.meanwhile.textContent = meanwhileText(detail);
    this.meanwhile.hidden = !this.meanwhile.textContent;
    this.pause.hidden = state !== "running";
    this.stop.hidden = !isOn;
    this.resume.hidden = !(state === "paused" || state === "stopped" || (state === "failed" && detail.step > 0));
    this.again.hidden = this.remove.hidden = isOn;
  }

  /** @param {RunDetail} detail */
  #showBar({ step, steps, state }) {
    this.bar.setAttribute("aria-valuemax", String(steps));
    this.bar.setAttribute("aria-valuenow", String(step));
    this.bar.setAttribute("aria-valuetext", `Step ${step} of ${steps}`);
    this.bar.classList.toggle("still", state !== "running");
    this.bar.children[0].setAttribute("style", `width: ${steps ? (100 * step) / steps : 0}%`);
  }
}

/** @param {AskedRun} run */
function aboutText({ method, checkpoint, data, trigger }) {
  const pictures = String(data ?? "").split(/[\\/]/).at(-1);
  const parts = [method, checkpoint && `on ${checkpoint}`, pictures && `from ${pictures}`, trigger && `called by “${trigger}”`];
  return parts.filter(Boolean).join(" · ");
}

/** @param {RunDetail} detail */
export function progressText({ state, step, steps, seconds_left: left, seconds_per_step: each, memory_bytes: memory }) {
  if (state === "queued") return "It waits for its turn in the queue.";
  const parts = [steps ? `Step ${step} of ${steps}` : "Getting ready: reading pictures, loading the checkpoint …"];
  if (state === "running" && left !== null && left !== undefined) parts.push(`${durationText(left)} left`);
  if (state === "running" && each) parts.push(each >= 1 ? `${each.toFixed(1)} s a step` : `${(1 / each).toFixed(1)} steps a second`);
  if (state === "running" && memory) parts.push(`${sizeText(memory)} of memory`);
  return parts.join(" · ");
}

/** @param {RunDetail} detail */
export function meanwhileText({ state, waiting_pictures: waiting }) {
  if (state !== "running") return "";
  return waiting ? `${counted(waiting, "picture")} ${waiting === 1 ? "waits" : "wait"} for the next step.` : MEANWHILE;
}

// The tab "Train": a page for pictures and what they shall teach, and one for runs. Loaded when it is first shown.
import { make } from "../controls.js";
import { appears, find, isShown, onChange } from "../dom.js";
import { connect, markChosen } from "../strip.js";
import { Desk } from "./desk.js";
import { RunsView } from "./runs_view.js";
import { Setup } from "./setup.js";

/** @typedef {{page?: string, run?: string, asked?: AskedRun}} Kept */

const KEY = "atelier.training";

/** @returns {Kept} */
function readKept() {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "{}");
  } catch {
    return {};
  }
}

let kept = readKept();

/** @param {Kept} changes */
function keep(changes) {
  kept = { ...kept, ...changes };
  try {
    localStorage.setItem(KEY, JSON.stringify(kept));
  } catch {
    // A full or forbidden storage must not disturb the work.
  }
}

class TrainPage {
  constructor() {
    this.desk = new Desk((data) => this.setup.takeData(data));
    this.setup = new Setup(kept.asked ?? {}, {
      onRun: (asked) => keep({ asked }),
      onCheck: ({ run }) => this.desk.see({ resolution: run.resolution ?? 512, crop: run.crop ?? "focal" }),
      onStart: (name) => {
        this.runs.choose(name);
        this.choose("runs");
      },
      toPictures: () => this.desk.element.scrollIntoView({ block: "nearest" }),
    });
    this.runs = new RunsView({
      onAgain: (run) => {
        this.setup.fill(run);
        void this.desk.begin(run.data);
        this.choose("new");
      },
      onChoose: (run) => keep({ run }),
    });
    this.pages = {
      new: make("div", { id: "train_new", className: "train-new" }, this.desk.element, this.setup.element),
      runs: make("div", { id: "train_runs" }, this.runs.element),
    };
    this.strip = make("div", { className: "tab-nav", attributes: { role: "tablist", "aria-label": "Training" } });
    this.element = make("div", { id: "train_tabs", className: "extra-tabs" }, this.strip);
    for (const [name, words] of /** @type {const} */ ([["new", "New training"], ["runs", "Runs"]])) {
      const button = make("button", { type: "button", textContent: words, onclick: () => this.choose(name), attributes: { role: "tab", "data-page": name } });
      connect(button, this.pages[name]);
      this.strip.append(button);
    }
  }

  /** @param {"new" | "runs"} name */
  choose(name) {
    markChosen(this.strip, ({ dataset }) => dataset.page === name);
    for (const [other, page] of Object.entries(this.pages)) page.hidden = other !== name;
    keep({ page: name });
    if (name === "runs") this.runs.wake();
  }

  async begin() {
    this.choose(kept.page === "runs" ? "runs" : "new");
    const { data } = this.setup.run;
    const [goesOn] = await Promise.all([this.runs.begin(kept.run), this.setup.begin().then(() => this.desk.begin(data))]);
    if (goesOn) this.choose("runs");
  }
}

const place = await appears("#train_place");
// Gradio lays out what stands in its own element as an article: lists with dots, tables with lines.
find("#train_holder")?.after(place);
const page = new TrainPage();
place.replaceChildren(page.element, page.pages.new, page.pages.runs);
await page.begin();
place.dataset.ready = "";
const panel = await appears("#tab_train");
onChange(panel, () => {
  if (isShown(panel)) page.runs.wake();
}, { attributes: true, attributeFilter: ["style"] });

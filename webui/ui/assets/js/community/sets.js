// The page "Backup/Restore": sets of extensions as files, and the log of what was changed.
import { make } from "../controls.js";
import { button } from "../dialogs.js";
import { community } from "./requests.js";

/** @typedef {import("./installing.js").Installing} Installing */
/** @typedef {import("../training/notice.js").Notice} Notice */

const WORDS = { install: "Install", switch: "Change", enable: "Switch on", disable: "Switch off", nothing: "", refuse: "" };

export class Sets {
  /** @type {unknown} */
  #content = null;

  /** @param {Installing} installing @param {Notice} notice @param {() => Promise<void>} refresh */
  constructor(installing, notice, refresh) {
    this.installing = installing;
    this.notice = notice;
    this.refresh = refresh;
    this.file = make("input", { type: "file", accept: ".json,application/json", hidden: true, onchange: () => void this.#takeFile() });
    this.steps = make("div", { className: "community-steps" });
    this.log = make("div", { className: "community-log" });
    this.element = make("div", { id: "extensions_sets" },
      make("h2", { textContent: "Sets" }),
      make("p", { className: "hint", textContent: "A set is a small file: which extensions are installed, at which commits, and which are on." }),
      make("div", { className: "community-bar" }, button("Back up", () => this.#backUp(), { className: "primary" }), button("Restore from a file", () => this.file.click()), this.file),
      this.steps, make("h2", { textContent: "Log" }), this.log);
  }

  async #backUp() {
    try {
      const text = JSON.stringify(await community.set(), null, 2);
      const href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
      make("a", { href, download: `extensions-${new Date().toISOString().slice(0, 10)}.json` }).click();
      setTimeout(() => URL.revokeObjectURL(href), 10_000);
      this.notice.say("The set was written to a file.");
    } catch (error) {
      this.notice.fail(error);
    }
  }

  async #takeFile() {
    const [file] = this.file.files ?? [];
    this.file.value = "";
    if (!file) return;
    try {
      this.#content = JSON.parse(await file.text());
    } catch {
      this.notice.say("This file is no JSON. Choose one that Back up wrote.", "error", button("Choose another", () => this.file.click()));
      return;
    }
    this.notice.clear();
    await this.plan();
  }

  /** Shows what has to be done for the set that was chosen. */
  async plan() {
    if (!this.#content) return;
    try {
      const steps = await community.planSet(this.#content);
      this.steps.replaceChildren(make("h3", { textContent: "What brings this set back" }),
        make("ul", { className: "community-list plain" }, ...steps.map((step) => this.#row(step))));
    } catch (error) {
      this.notice.fail(error, button("Choose another", () => this.file.click()));
    }
  }

  /** @param {SetStep} step */
  #row(step) {
    const { member, action, sentence } = step;
    const words = WORDS[action];
    const doIt = button(words, () => this.#do(step));
    doIt.setAttribute("aria-label", `${words} ${member.name}`);
    return make("li", { className: "community-row" }, make("div", { className: "community-row-head" },
      make("strong", { textContent: member.name }), make("span", { className: action === "refuse" ? "community-refused" : "hint", textContent: sentence }),
      make("span", { className: "gap" }), ...(words ? [doIt] : [])));
  }

  /** @param {SetStep} step */
  async #do({ member, action }) {
    const { name, url, branch, commit, enabled } = member;
    try {
      if (action === "install") {
        if ((await this.installing.install(name, { url, branch, commit })) && !enabled) await community.switchOn(name, false);
      } else if (action === "switch") await this.installing.update(name, { branch, commit });
      else await community.switchOn(name, enabled);
      await this.refresh();
    } catch (error) {
      this.notice.fail(error);
    }
    await this.plan();
  }

  async showLog() {
    const entries = await community.audit().catch(() => []);
    this.log.replaceChildren(entries.length ? make("table", {},
      make("thead", {}, make("tr", {}, ...["When", "Who", "What", "Extension", "Commit"].map((words) => make("th", { textContent: words, scope: "col" })))),
      make("tbody", {}, ...entries.slice(0, 100).map(({ when, who, what, name, commit }) => make("tr", {},
        ...[when.replace("T", " ").slice(0, 16), who, what, name, (commit ?? "").slice(0, 8)].map((words) => make("td", { textContent: words }))))))
      : make("p", { className: "hint", textContent: "Nothing was changed yet." }));
  }
}

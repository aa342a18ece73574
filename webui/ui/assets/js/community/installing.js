// From an address to an installed extension: what is built in, fetching, consent, installing.
import { make } from "../controls.js";
import { button } from "../dialogs.js";
import { isAbort, messageOf } from "../server.js";
import { askConsent, askDespiteNative } from "./consent.js";
import { community } from "./requests.js";

/** @typedef {(signal: AbortSignal) => AsyncGenerator<StagingLine>} Fetching */

/** A line that tells how far it is, with a button that stops it. */
export class Progress {
  /** @type {AbortController | null} */
  #stop = null;

  constructor() {
    this.text = make("span", { className: "community-progress-text" });
    this.element = make("div", { className: "community-progress", hidden: true, attributes: { role: "status" } },
      make("span", { className: "community-spinner", attributes: { "aria-hidden": "true" } }), this.text,
      button("Cancel", () => this.#stop?.abort()));
  }

  get isBusy() {
    return this.#stop !== null;
  }

  /** @param {string} words */
  begin(words) {
    this.#stop = new AbortController();
    this.say(words);
    this.element.hidden = false;
    return this.#stop.signal;
  }

  /** @param {string} words */
  say(words) {
    if (words) this.text.textContent = words;
  }

  end() {
    this.#stop = null;
    this.element.hidden = true;
  }
}

export class Installing {
  /** @param {import("../training/notice.js").Notice} notice @param {() => Promise<void>} onChange */
  constructor(notice, onChange) {
    this.notice = notice;
    this.onChange = onChange;
    this.progress = new Progress();
  }

  /**
   * Installs a new one; resolves with whether it is there now. `change` leads to where the address was typed.
   * @param {string} name
   * @param {WantedExtension} wanted
   * @param {() => void} [change]
   * @returns {Promise<boolean>}
   */
  async install(name, wanted, change) {
    const again = [
      ...(change ? [button("Change the address", change)] : []),
      button("Try again", () => this.install(name, wanted, change)),
    ];
    const done = await this.#run(name, (signal) => community.stage(wanted, false, signal), again);
    if (typeof done === "boolean") return done;
    if (!(await askDespiteNative(name, done))) return false;
    return (await this.#run(name, (signal) => community.stage(wanted, true, signal), again)) === true;
  }

  /**
   * Brings another state of one that is here; without a branch and a commit the newest.
   * @param {string} name
   * @param {{branch?: string, commit?: string}} [state]
   * @returns {Promise<boolean>}
   */
  async update(name, state = {}) {
    const again = [button("Try again", () => this.update(name, state))];
    return (await this.#run(name, (signal) => community.stageUpdate(name, state, signal), again)) === true;
  }

  /**
   * @param {string} name
   * @param {Fetching} fetching
   * @param {HTMLButtonElement[]} again for whatever goes wrong
   * @returns {Promise<boolean | NativeFeature>}
   */
  async #run(name, fetching, again) {
    if (this.progress.isBusy) {
      this.notice.say("Another extension is being fetched. Wait for it, or cancel it.", "warning");
      return false;
    }
    this.notice.clear();
    const signal = this.progress.begin(`Fetching ${name} …`);
    let last = /** @type {StagingLine} */ ({});
    try {
      for await (const line of fetching(signal)) {
        last = line;
        if (line.progress) this.progress.say(`Fetching ${name}: ${line.progress}`);
      }
    } catch (error) {
      if (!isAbort(error)) this.notice.fail(error, ...again);
      return false;
    } finally {
      this.progress.end();
    }
    if (last.native) return last.native;
    if (last.staged) return this.#finish(last.staged, again);
    this.notice.say(last.error ?? "The server broke off in the middle. Try again.", "error", ...again);
    return false;
  }

  /** @param {StagedExtension} staged @param {HTMLButtonElement[]} again */
  async #finish(staged, again) {
    const { token, record, replaces } = staged;
    if (!(await askConsent(staged))) {
      await community.drop(token).catch(() => null);
      return false;
    }
    try {
      await community.install(token);
    } catch (error) {
      this.notice.say(messageOf(error), "error", ...again);
      return false;
    }
    await this.onChange();
    this.notice.say(`${record.name} is ${replaces ? "updated" : "installed"}. Restart the server to load it.`);
    return true;
  }
}

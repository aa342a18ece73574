// Watches a run: its state and the new lines of its log, each second while it is seen, seldom while it is not.
import { askAfter, mergeLog } from "./log.js";
import { runs } from "./requests.js";

const [SEEN_MS, UNSEEN_MS, OVER_MS] = [1000, 10_000, 15_000];

/** Whether a run may still go on by itself. @param {RunState} state */
export function isGoing(state) {
  return state === "running" || state === "queued";
}

export class Watch {
  /** @type {RunDetail | null} */
  detail = null;
  name = "";
  #timer = 0;
  #turn = 0;

  /**
   * @param {() => boolean} isSeen
   * @param {(detail: RunDetail) => void} onDetail
   * @param {(error: unknown) => void} onError
   */
  constructor(isSeen, onDetail, onError) {
    this.isSeen = isSeen;
    this.onDetail = onDetail;
    this.onError = onError;
    document.addEventListener("visibilitychange", () => this.wake());
  }

  /** @param {string} name none ends it */
  follow(name) {
    if (name !== this.name) this.detail = null;
    this.name = name;
    void this.look();
  }

  /** Looks at once where the next look is far. */
  wake() {
    if (this.name && this.isSeen()) void this.look();
  }

  async look() {
    clearTimeout(this.#timer);
    this.#turn += 1;
    const [turn, name] = [this.#turn, this.name];
    if (!name) return;
    try {
      const known = this.detail?.log ?? [];
      const after = askAfter(known, this.detail?.step ?? -1);
      const fresh = await runs.read(name, after);
      if (turn !== this.#turn) return;
      this.detail = { ...fresh, log: mergeLog(after < 0 ? [] : known, fresh.log) };
      this.onDetail(this.detail);
    } catch (error) {
      if (turn !== this.#turn) return;
      this.onError(error);
    }
    const pause = !this.isSeen() ? UNSEEN_MS : this.detail && !isGoing(this.detail.state) ? OVER_MS : SEEN_MS;
    this.#timer = setTimeout(() => void this.look(), pause);
  }
}

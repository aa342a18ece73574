// The page "Installed": those that were added, those that come along, the trash.
import { make } from "../controls.js";
import { button, dialogButtons, openDialog } from "../dialogs.js";
import { messageOf } from "../server.js";
import { counted, showCode } from "./consent.js";
import { healthView } from "./health.js";
import { dayOf, moved } from "./listing.js";
import { community } from "./requests.js";
import { extensionRow, stateChip, tick } from "./row.js";

/** @typedef {import("./installing.js").Installing} Installing */
/** @typedef {import("../training/notice.js").Notice} Notice */

export class Installed {
  /** Newest commits that were asked for, by name. @type {Map<string, string>} */
  #newer = new Map();
  /** @type {CommunityState | null} */
  #state = null;

  /** @param {Installing} installing @param {Notice} notice @param {() => Promise<void>} refresh */
  constructor(installing, notice, refresh) {
    this.installing = installing;
    this.notice = notice;
    this.refresh = refresh;
    this.checkAll = button("Check for updates", () => this.#checkAll());
    this.count = make("span", { className: "hint" });
    this.list = make("ul", { className: "community-list" });
    this.none = make("p", { className: "community-none", textContent: "None was added yet. Look under Available, or install one from its address." });
    // Scripts without an extension: they lie in a folder that the artist fills.
    this.own = make("ul", { className: "community-list" });
    this.shipped = make("ul", { className: "community-list plain" });
    this.trash = make("div", { className: "community-trash" });
    this.element = make("div", { id: "extensions_installed" },
      make("div", { className: "community-bar" }, this.checkAll, this.count),
      this.list, this.own, this.none,
      make("details", { className: "community-fold" }, make("summary", { textContent: "Built-in" }), this.shipped),
      this.trash);
  }

  /** @param {CommunityState} state */
  show(state) {
    this.#state = state;
    this.list.replaceChildren(...state.extensions.map((one) =>
      extensionRow(one, { newer: this.#newer.get(one.name), mayChange: !state.refusal }, this.#actions())));
    const [own, shipped] = [true, false].map((isOwn) => state.shipped.filter((each) => Boolean(each.is_own) === isOwn));
    this.none.hidden = state.extensions.length + own.length > 0;
    this.checkAll.hidden = Boolean(state.refusal) || !state.extensions.some((each) => each.can_update);
    this.count.textContent = state.extensions.length ? `${counted(state.extensions.length, "extension")} added` : "";
    this.own.replaceChildren(...own.map((one) => this.#plainRow(one, "Scripts in the folder “scripts”, put there by hand. Take a file away to be rid of it.")));
    this.shipped.replaceChildren(...shipped.map((one) => this.#plainRow(one)));
  }

  /** @param {ShippedExtension} one @param {string} [about] */
  #plainRow(one, about) {
    const health = healthView(one.health);
    return make("li", { className: "community-row", attributes: { "data-name": one.name } },
      make("div", { className: "community-row-head" }, tick(one, (name, wanted) => this.#switchOn(name, wanted)), stateChip(one)),
      ...[about, one.error].filter(Boolean).map((words) => make("p", { className: "hint", textContent: words })), ...(health ? [health] : []));
  }

  /** @returns {import("./row.js").RowActions} */
  #actions() {
    return {
      switchOn: (name, wanted) => this.#switchOn(name, wanted),
      check: async (name) => {
        // The notice says what went wrong.
        await this.#check(name).catch(() => null);
      },
      update: async (name) => {
        if (await this.installing.update(name)) this.#newer.delete(name);
      },
      choose: (name) => this.#choose(name),
      rollBack: (name) => this.#do(async () => {
        await community.rollBack(name);
        this.#newer.delete(name);
      }, `${name} is as it was before its last update. Restart the server to load it.`),
      look: (name) => this.#look(name),
      remove: (name) => this.#do(() => community.remove(name), `${name} is in the trash. It runs until the server ends.`),
      move: (name, by) => this.#do(() => community.order(moved((this.#state?.extensions ?? []).map((each) => each.name), name, by)), "The new order counts from the next start on."),
    };
  }

  /** @param {() => Promise<unknown>} work @param {string} words */
  async #do(work, words) {
    try {
      await work();
      await this.refresh();
      this.notice.say(words);
    } catch (error) {
      this.notice.fail(error);
    }
    await this.showTrash();
  }

  /** @param {string} name @param {boolean} wanted */
  async #switchOn(name, wanted) {
    await this.#do(() => community.switchOn(name, wanted), `${name} is ${wanted ? "on" : "off"} from the next start on.`);
    const again = document.getElementById(`community_${name}`);
    again?.focus();
  }

  /** @param {string} name */
  async #check(name) {
    try {
      const { commit, is_newer: isNewer } = await community.check(name);
      if (isNewer) this.#newer.set(name, commit);
      else this.#newer.delete(name);
      if (this.#state) this.show(this.#state);
      this.notice.say(isNewer ? `There is something newer of ${name}.` : `${name} is the newest there is.`);
      return isNewer;
    } catch (error) {
      this.notice.say(`${name}: ${messageOf(error)}`, "error", button("Try again", () => this.#check(name)));
      throw error;
    }
  }

  async #checkAll() {
    this.checkAll.disabled = true;
    let count = 0;
    const failed = [];
    for (const { name, can_update: canUpdate } of this.#state?.extensions ?? []) {
      if (!canUpdate) continue;
      this.notice.say(`Asking about ${name} …`);
      try {
        if (await this.#check(name)) count += 1;
      } catch {
        failed.push(name);
      }
    }
    this.checkAll.disabled = false;
    const words = count ? `There is something newer of ${counted(count, "extension")}.` : "All that answered are the newest there are.";
    if (failed.length) this.notice.say(`${words} Not answered: ${failed.join(", ")}.`, "warning", button("Try again", () => this.#checkAll()));
    else this.notice.say(words);
  }

  /** @param {string} name */
  async #look(name) {
    this.notice.say(`Reading the code of ${name} …`);
    try {
      const { tree, report } = await community.readCode(name);
      this.notice.clear();
      const isChanged = Boolean(this.#state?.extensions.find((each) => each.name === name)?.distrust);
      showCode(name, report, isChanged ? () => this.#do(() => community.accept(name, tree), `${name} is accepted as it is. Restart the server to load it.`) : null);
    } catch (error) {
      this.notice.fail(error);
    }
  }

  /** @param {string} name */
  #choose(name) {
    const branch = make("input", { type: "text", id: "community_other_branch", autocomplete: "off", spellcheck: false });
    const commit = make("input", { type: "text", id: "community_other_commit", autocomplete: "off", spellcheck: false });
    const go = () => {
      dialog.close();
      void this.installing.update(name, { branch: branch.value, commit: commit.value });
    };
    const form = make("form", { className: "community-form", onsubmit: (event) => {
      event.preventDefault();
      go();
    } },
    make("label", { htmlFor: branch.id, textContent: "Branch" }), branch,
    make("label", { htmlFor: commit.id, textContent: "Commit" }), commit,
    dialogButtons(null, button("Cancel", () => dialog.close()), make("button", { type: "submit", className: "primary", textContent: "Fetch" })));
    const dialog = openDialog(`Another state of ${name}`, { narrow: true },
      make("p", { className: "hint", textContent: "Leave both empty for the newest. A commit pins it." }), form);
    dialog.classList.add("community-dialog");
  }

  async showTrash() {
    const { removed } = await community.trash().catch(() => ({ removed: [] }));
    if (!removed.length) {
      this.trash.replaceChildren();
      return;
    }
    this.trash.replaceChildren(make("details", { className: "community-fold" },
      make("summary", { textContent: `Trash (${removed.length})` }),
      make("ul", { className: "community-list plain" }, ...removed.map(({ id, name, when }) => make("li", { className: "community-row" },
        make("div", { className: "community-row-head" }, make("strong", { textContent: name }), make("span", { className: "hint", textContent: `removed ${dayOf(when)}` }),
          make("span", { className: "gap" }),
          button("Restore", () => this.#do(() => community.restore(id), `${name} is back. Restart the server to load it.`)),
          button("Delete for good", () => this.#do(() => community.forget(id), `${name} is deleted.`), { className: "danger" })))))));
  }
}

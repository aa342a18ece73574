// The page "Install from URL".
import { make } from "../controls.js";

/** @param {string} id @param {string} words @param {string} hint @param {Partial<HTMLInputElement>} [more] */
function field(id, words, hint, more = {}) {
  const input = make("input", { type: "text", id, autocomplete: "off", spellcheck: false, attributes: { "aria-describedby": `${id}_hint` } });
  Object.assign(input, more);
  return { input, element: make("div", { className: "community-field" },
    make("label", { htmlFor: id, textContent: words }), input, make("span", { className: "hint", id: `${id}_hint`, textContent: hint })) };
}

export class FromUrl {
  /** @param {import("./installing.js").Installing} installing @param {() => void} onDone */
  constructor(installing, onDone) {
    this.url = field("install_url", "URL of the extension's git repository", "The address of its page, or one that ends in .git. A page of a branch or of a commit does too.", { required: true });
    this.branch = field("install_branch", "Branch", "Empty for the usual one.");
    this.commit = field("install_commit", "Commit", "Pins it: it stays at this commit.");
    this.go = make("button", { type: "submit", className: "primary", textContent: "Install" });
    this.element = make("div", { id: "extensions_from_url" }, make("form", {
      className: "community-form",
      onsubmit: (event) => {
        event.preventDefault();
        void this.#install(installing, onDone);
      },
    }, this.url.element, make("div", { className: "community-pair" }, this.branch.element, this.commit.element),
    make("p", { className: "hint", textContent: "Its code is fetched and read first. You see what it does before anything is installed." }),
    make("div", {}, this.go)));
  }

  /** @param {CommunityState} state */
  show({ refusal }) {
    for (const { input } of [this.url, this.branch, this.commit]) input.disabled = Boolean(refusal);
    this.go.disabled = Boolean(refusal);
  }

  /** @param {import("./installing.js").Installing} installing @param {() => void} onDone */
  async #install(installing, onDone) {
    const url = this.url.input.value.trim();
    const name = url.replace(/\/+$/, "").split("/").pop()?.replace(/\.git$/, "") || "it";
    const wanted = { url, branch: this.branch.input.value, commit: this.commit.input.value };
    if (!(await installing.install(name, wanted, () => this.url.input.focus()))) return;
    for (const { input } of [this.url, this.branch, this.commit]) input.value = "";
    onDone();
  }
}

// The list of presets: apply, keep what the form holds, rename, update, download, delete with undo, load a file.
import { make } from "../controls.js";
import { button, dialogButtons, openDialog } from "../dialogs.js";
import { readForm } from "../form.js";
import { menuButton } from "../menu.js";
import { ask, messageOf } from "../server.js";
import { applyPreset } from "./apply.js";

const EMPTY = "None yet. A preset keeps the checkpoint, the prompts, the styles and all fields of this tab by a name.";
const NO_SEED = ["", "-1"];
// What the server adds as it is now, unless a preset tells it.
const OF_NOW = ["checkpoint", "vae", "models", "options"];

/** @param {string} name */
const addressOf = (name) => `v1/presets/${encodeURIComponent(name)}`;

/**
 * Opens the list for a tab.
 * @param {Tab} tab
 */
export async function openPresets(tab) {
  let presets = /** @type {PresetSummary[]} */ ([]);
  const list = make("ul", { className: "trash-list presets-list" });
  const message = make("p", { className: "hint presets-message", attributes: { role: "status" } });
  const search = make("input", { type: "search", placeholder: "Search", attributes: { "aria-label": "Search presets" } });
  const name = make("input", {
    type: "text",
    maxLength: 100,
    placeholder: "Name",
    attributes: { "aria-label": "Name of the new preset" },
  });
  const keepSeed = make("input", { type: "checkbox", checked: true });
  const seedChoice = make("label", { className: "presets-seed", hidden: true }, keepSeed, "with its seed");
  const save = make(
    "form",
    { className: "found-form presets-save" },
    name,
    make("button", { type: "submit", className: "primary", textContent: "Save current as" }),
    seedChoice,
  );
  const file = make("input", { type: "file", accept: ".json,application/json", multiple: true, hidden: true });
  const dialog = openDialog("Presets", {}, save, search, list, message, file);
  dialog.append(
    dialogButtons(
      button("Load a JSON file", () => file.click(), { title: "Presets can also be dropped anywhere on the page" }),
      null,
      button("Close", () => dialog.close()),
    ),
  );
  search.addEventListener("input", show);
  save.addEventListener("submit", (event) => {
    event.preventDefault();
    void attempt(() => keep(name.value));
  });
  file.addEventListener("change", () => {
    dialog.close();
    window.webui.takeFiles([...(file.files ?? [])]);
  });
  const reread = () => void attempt(read);
  addEventListener("presets", reread);
  dialog.addEventListener("close", () => removeEventListener("presets", reread));
  await attempt(read);
  await attempt(showSeedChoice);

  async function showSeedChoice() {
    const { seed } = await readForm(tab);
    seedChoice.hidden = NO_SEED.includes(String(seed ?? "").trim());
  }

  async function read() {
    const answer = await ask("GET", "v1/presets");
    presets = answer.presets;
    search.hidden = presets.length < 2;
    say(answer.problems.join(" ") || (presets.length ? "" : EMPTY));
    show();
  }

  function show() {
    const words = search.hidden ? [] : search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const matches = presets.filter((preset) => {
      const text = `${preset.name} ${preset.checkpoint ?? ""} ${preset.prompt} ${preset.tab}`.toLowerCase();
      return words.every((word) => text.includes(word));
    });
    list.replaceChildren(...matches.map(row));
    if (words.length && !matches.length) say("Nothing fits that search.");
    else if (message.textContent === "Nothing fits that search.") say("");
  }

  /**
   * @param {string} text
   * @param {...Node} more
   */
  function say(text, ...more) {
    message.replaceChildren(text, ...more);
  }

  /** @param {() => Promise<unknown>} action */
  async function attempt(action) {
    try {
      await action();
    } catch (error) {
      say(messageOf(error));
    }
  }

  async function currentFields() {
    const fields = await readForm(tab);
    return seedChoice.hidden || keepSeed.checked ? fields : { ...fields, seed: "-1", variation_seed: "-1" };
  }

  /** @param {string} wanted */
  async function keep(wanted) {
    const body = { atelier_preset: 1, tab, fields: await currentFields() };
    const kept = await ask("PUT", addressOf(wanted.trim() || " "), body);
    name.value = "";
    await read();
    say(`“${kept.name}” is kept.`);
  }

  /**
   * The form of now under a name that is there; what extensions and later versions wrote stays.
   * @param {PresetSummary} preset
   */
  async function update(preset) {
    const { preset: before } = /** @type {PresetReading} */ (await ask("GET", addressOf(preset.name)));
    /** @type {PresetFile} */
    const now = { ...before, tab, fields: { ...before.fields, ...(await currentFields()) } };
    for (const part of OF_NOW) delete now[part];
    await ask("PUT", `${addressOf(preset.name)}?replace=true`, now);
    await read();
    say(`“${preset.name}” is what the form holds now. `, undoButton(() => ask("PUT", `${addressOf(preset.name)}?replace=true`, before)));
  }

  /** @param {PresetSummary} preset */
  async function remove(preset) {
    const { id } = await ask("DELETE", addressOf(preset.name));
    await read();
    say(`“${preset.name}” was deleted. `, undoButton(() => ask("POST", `v1/presets/deleted/${id}/restore`)));
  }

  /** @param {() => Promise<unknown>} undo */
  function undoButton(undo) {
    return button("Undo", () => attempt(async () => {
      await undo();
      await read();
    }), { className: "small" });
  }

  /** @param {PresetSummary} preset */
  async function download(preset) {
    const { preset: content } = /** @type {PresetReading} */ (await ask("GET", addressOf(preset.name)));
    const blob = new Blob([JSON.stringify(content, null, 2)], { type: "application/json" });
    const link = make("a", { href: URL.createObjectURL(blob), download: `${preset.name}.json` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  }

  /** @param {PresetSummary} preset */
  function row(preset) {
    const about = [preset.tab, preset.checkpoint, preset.prompt].filter(Boolean).join(" · ");
    /** @type {HTMLElement} */
    const line = make(
      "li",
      {},
      make(
        "div",
        { className: "trash-text" },
        make("strong", { textContent: preset.name }),
        make("span", { className: "hint presets-about", textContent: about, title: about }),
      ),
      make(
        "div",
        { className: "trash-buttons" },
        button("Apply", () => attempt(() => apply(preset))),
        menuButton("More", `More for ${preset.name}`, () => [
          { words: "Update with current", hint: "Keep what the form holds now", action: () => attempt(() => update(preset)) },
          { words: "Rename", action: () => askForName(preset, line) },
          { words: "Download JSON", hint: "To share or keep elsewhere", action: () => attempt(() => download(preset)) },
          { words: "Delete", action: () => attempt(() => remove(preset)) },
        ]),
      ),
    );
    return line;
  }

  /** @param {PresetSummary} preset */
  async function apply(preset) {
    // Not twice: what stood in the form before is noted only once.
    list.inert = true;
    const problem = await applyPreset(tab, preset.name);
    list.inert = false;
    if (problem) say(problem);
    else dialog.close();
  }

  /**
   * @param {PresetSummary} preset
   * @param {HTMLElement} line
   */
  function askForName(preset, line) {
    const box = make("input", { type: "text", maxLength: 100, value: preset.name, attributes: { "aria-label": "New name" } });
    const form = make(
      "form",
      { className: "found-form presets-rename" },
      box,
      make("button", { type: "submit", className: "primary", textContent: "Rename" }),
      button("Cancel", show),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void attempt(async () => {
        const renamed = await ask("POST", `${addressOf(preset.name)}/rename`, { name: box.value });
        await read();
        say(`“${preset.name}” is now “${renamed.name}”.`);
      });
    });
    line.replaceChildren(form);
    box.select();
    box.focus();
  }
}

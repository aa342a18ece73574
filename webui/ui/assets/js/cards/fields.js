// What the artist writes on a card.
import { make } from "../controls.js";
import { ask } from "../server.js";
import { trainedWords, trainingTags } from "./facts.js";

/** @typedef {"description" | "activation_text" | "negative_text" | "notes"} Text */
/** @typedef {HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement} Input */

/** @type {[name: Text, label: string, rows: number][]} */
const TEXTS = [
  ["description", "Description", 3],
  ["activation_text", "Trigger words, written into the prompt", 2],
  ["negative_text", "Words for the negative prompt", 2],
  ["notes", "Notes", 3],
];
const PROMPTED = ["lora", "embedding", "hypernetwork"];
const WEIGHTED = ["lora", "hypernetwork"];

/**
 * @param {string} label
 * @param {HTMLElement} input
 */
function makeLabel(label, input) {
  return make("label", { className: "details-field" }, make("span", { textContent: label }), input);
}

export class Fields {
  /** @type {Record<string, Input>} */
  #inputs = {};
  /** @type {Record<string, string | number>} */
  #began;

  /**
   * Fields for a card; what was typed into `older` ones and not saved is taken over.
   * @param {CardDetails} card
   * @param {Tab} tab
   * @param {Fields | null} [older]
   */
  constructor(card, tab, older = null) {
    const shown = TEXTS.filter(([name]) => PROMPTED.includes(card.kind) || !name.endsWith("_text"));
    this.elements = shown.flatMap(([name, label, rows]) => {
      const input = this.#input(name, make("textarea", { rows, value: card[name] ?? "" }));
      const field = makeLabel(label, input);
      return name === "activation_text" ? [field, trainedWords(card, input), ...trainingTags(card, tab)] : [field];
    });
    if (WEIGHTED.includes(card.kind)) this.elements.push(makeLabel(
      "Preferred weight, 0 for the usual one",
      this.#input("preferred_weight", make(
        "input",
        { type: "number", step: 0.05, min: -10, max: 10, value: card.preferred_weight ?? 0 },
      )),
    ));
    if (card.kind === "checkpoint") this.elements.push(makeLabel("VAE it is used with", this.#vae(card.vae === "Automatic" ? "" : card.vae)));
    this.#began = this.values();
    if (older) this.#takeOver(older);
  }

  /** Whether something was typed that is not saved. */
  isChanged() {
    return JSON.stringify(this.values()) !== JSON.stringify(this.#began);
  }

  /** What stands in the fields, by the server's names. */
  values() {
    const entries = Object.entries(this.#inputs).map(([name, input]) => [
      name,
      name === "preferred_weight" ? Number(input.value) || 0 : input.value,
    ]);
    return Object.fromEntries(entries);
  }

  /**
   * @param {string} name
   * @template {Input} Field
   * @param {Field} input
   * @returns {Field}
   */
  #input(name, input) {
    this.#inputs[name] = input;
    return input;
  }

  /** @param {Fields} older */
  #takeOver(older) {
    for (const [name, input] of Object.entries(this.#inputs)) {
      const typed = older.#inputs[name]?.value;
      if (typed !== undefined && typed !== String(older.#began[name])) input.value = typed;
    }
  }

  /**
   * A list of VAEs; the one that is written on the card stands in it even where its file is gone.
   * @param {string} chosen
   */
  #vae(chosen) {
    const box = make("select", {});
    const fill = (/** @type {string[]} */ names) => {
      const value = box.value || chosen || "";
      const all = ["", "None", ...new Set([...names, ...(value && value !== "None" ? [value] : [])])];
      const options = all.map((name) => make("option", { value: name, textContent: name || "Automatic" }));
      box.replaceChildren(...options);
      box.value = value;
    };
    fill([]);
    ask("GET", "v1/cards?kind=vae&limit=1000")
      .then((/** @type {CardPage} */ { cards }) => fill(cards.map(({ name }) => name.split("/").at(-1) ?? name)))
      .catch(() => {});
    return this.#input("vae", box);
  }
}

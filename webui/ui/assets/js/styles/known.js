// The styles as their files have them now, and the fields beside the prompts in which they are chosen.
import { find, findAll, type } from "../dom.js";
import { make } from "../controls.js";
import { ask, messageOf } from "../server.js";

/** @typedef {(chosen: string[]) => string[]} Choice from the names that are chosen to those that shall be */

export const TABS = ["txt2img", "img2img"];
/** What A1111 calls it when nothing is chosen. */
const NO_STYLE = "None";

let names = /** @type {Set<string> | null} */ (null);
/** By the id of a field, what is to be chosen there at the next reading. */
const wanted = /** @type {Map<string, Choice>} */ (new Map());

/**
 * Reads the styles, and has the fields beside the prompts list them where they are others than before.
 * @param {Choice} [choose] what to choose in all tabs
 * @returns {Promise<StylesAnswer>}
 */
export async function readStyles(choose) {
  const answer = /** @type {StylesAnswer} */ (await ask("GET", "v1/styles"));
  const now = answer.styles.map(({ name }) => name);
  const isNew = !names || now.join("\0") !== [...names].join("\0");
  names = new Set(now);
  for (const tab of TABS) {
    if (choose) chooseIn(tab, choose);
    else if (isNew) press(tab);
  }
  markChips();
  return answer;
}

/** What the page listed when it was made, which may be older than the files. */
export function readListed() {
  const parts = window.gradio_config?.components ?? [];
  const choices = parts.find(({ props }) => props?.elem_id === `${TABS[0]}_styles`)?.props?.choices ?? [];
  names ??= new Set(choices.map((/** @type {string | [string, string]} */ each) => (Array.isArray(each) ? each[1] : each)));
}

/**
 * Chooses styles in a tab.
 * @param {Tab} tab
 * @param {Choice} choose
 */
export function chooseIn(tab, choose) {
  const before = wanted.get(`${tab}_styles`);
  wanted.set(`${tab}_styles`, before ? (chosen) => choose(before(chosen)) : choose);
  press(tab);
}

/** @param {Tab} tab */
function press(tab) {
  find(`#refresh_${tab}_styles`)?.click();
}

/**
 * What the field is to hold once its list was read anew: Gradio asks when the button for that was pressed.
 * @param {string} field
 * @param {string[]} chosen
 */
export function stylesToChoose(field, chosen) {
  const choose = wanted.get(field);
  wanted.delete(field);
  return choose ? [...new Set(choose(chosen))] : chosen;
}

/** Marks chosen names that are no style. */
export function markChips() {
  if (!names) return;
  for (const chip of findAll(TABS.map((tab) => `#${tab}_styles .token`).join(", "))) {
    const name = nameOf(chip);
    const isUnknown = !names.has(name) && name !== NO_STYLE;
    if (chip.classList.contains("unknown") === isUnknown) continue;
    chip.classList.toggle("unknown", isUnknown);
    chip.title = isUnknown ? `There is no style “${name}”: it adds nothing to the prompt.` : "";
  }
}

/** @param {Element} chip */
function nameOf(chip) {
  return chip.querySelector(":scope > span")?.textContent ?? "";
}

/**
 * The names that are chosen in a tab.
 * @param {Tab} tab
 */
export function chosenIn(tab) {
  return findAll(`#${tab}_styles .token`).map(nameOf);
}

/**
 * The prompts of a tab.
 * @param {Tab} tab
 * @returns {Prompts}
 */
export function promptsOf(tab) {
  return {
    prompt: find(`#${tab}_prompt textarea`)?.value ?? "",
    negative_prompt: find(`#${tab}_neg_prompt textarea`)?.value ?? "",
  };
}

/**
 * Writes the prompts of a tab as if they were typed.
 * @param {Tab} tab
 * @param {Prompts} prompts
 */
export function writePrompts(tab, { prompt, negative_prompt: negative }) {
  const before = promptsOf(tab);
  if (before.prompt !== prompt) type(find(`#${tab}_prompt textarea`), prompt);
  if (before.negative_prompt !== negative) type(find(`#${tab}_neg_prompt textarea`), negative);
}

/**
 * Writes styles into the prompts of a tab; what the server said of it.
 * @param {Tab} tab
 * @param {string[]} chosen
 * @returns {Promise<{names: string[], sentence: string}>}
 */
export async function applyTo(tab, chosen) {
  const answer = await ask("POST", "v1/styles/apply", { ...promptsOf(tab), names: chosen });
  writePrompts(tab, answer);
  return answer;
}

/**
 * Writes the styles of a field into the prompts; the names that stay chosen, as no style is called so, and a notice.
 * @param {string} field
 * @param {string[]} chosen
 * @returns {Promise<[chosen: string[], notice: string]>}
 */
export async function applyStyles(field, chosen) {
  try {
    const { names: unknown, sentence } = await applyTo(field.replace(/_styles$/, ""), chosen);
    return [unknown, sentence ? noticeBox(sentence, "warning") : ""];
  } catch (error) {
    return [chosen, noticeBox(messageOf(error), "error")];
  }
}

/**
 * A sentence as webui/ui/texts.py has it.
 * @param {string} sentence
 * @param {"warning" | "error"} level
 */
function noticeBox(sentence, level) {
  const role = level === "error" ? "alert" : "status";
  const box = make("div", { className: `notice-box ${level}`, attributes: { role } }, make("p", { textContent: sentence }));
  return box.outerHTML;
}

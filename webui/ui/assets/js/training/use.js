// What was trained goes into txt2img: its tag and its trigger word into the prompt, or it becomes the checkpoint.
import { chooseModel } from "../cards/choosing.js";
import { isInPrompt, toggleWords } from "../cards/prompt.js";
import { find, type } from "../dom.js";
import { offerPutBack } from "../put_back.js";
import { ask } from "../server.js";

const TAB = "txt2img";

/**
 * @param {UsedFile} used
 * @param {string} trigger
 */
export async function useInPrompt({ prompt, file }, trigger) {
  const field = find(`#${TAB}_prompt textarea`);
  const before = field?.value ?? "";
  // A network that was just filed has a card, too.
  await ask("POST", "v1/cards/scan").catch(() => null);
  window.webui.cardsChanged();
  window.webui.showTab(TAB);
  if (!prompt) return useAsCheckpoint(file, trigger);
  const words = [trigger, prompt].filter((each) => each && !isInPrompt(TAB, each));
  // The word first: it is the prompt's, and the tag stands behind it.
  for (const each of words) toggleWords(TAB, each);
  const sentence = words.length ? `${words.join(" and ")} now in the prompt. Press Generate.` : `${prompt} is in the prompt already.`;
  offerPutBack(TAB, [sentence], "Put back", async () => type(field, before));
  field?.focus();
}

/**
 * A whole network that was trained becomes the checkpoint in use.
 * @param {string} file
 * @param {string} trigger
 */
async function useAsCheckpoint(file, trigger) {
  const name = file.split(/[\\/]/).at(-1) ?? file;
  const titles = /** @type {string[]} */ (await ask("GET", "v1/choices/checkpoints"));
  const title = titles.find((each) => each.split(/[\\/]/).at(-1)?.startsWith(name)) ?? name;
  const before = find("#setting_sd_model_checkpoint input")?.value ?? "";
  await chooseModel("sd_model_checkpoint", title);
  if (trigger && !isInPrompt(TAB, trigger)) toggleWords(TAB, trigger);
  offerPutBack(TAB, [`${name} is the checkpoint now. Press Generate.`], "Put back", () => chooseModel("sd_model_checkpoint", before));
}

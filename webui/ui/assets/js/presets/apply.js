// A preset fills the form, and says so beside a button that puts back what stood there.
import { chooseModel } from "../cards/choosing.js";
import { fillForm, putBack } from "../form.js";
import { offerPutBack } from "../put_back.js";
import { ask, messageOf } from "../server.js";

// What defaults.js tells once it filled in what a checkpoint asks for, and how long that may take.
const DEFAULTS_CAME = "checkpoint-defaults";
const DEFAULTS_MS = 3000;

/**
 * Applies a preset to a tab; resolves with the sentence of what went wrong, empty where it was filled in.
 * @param {Tab} tab
 * @param {string} name
 */
export async function applyPreset(tab, name) {
  try {
    const reading = /** @type {PresetReading} */ (await ask("GET", `v1/presets/${encodeURIComponent(name)}`));
    const restoreForm = await putBack(tab);
    await chooseAndFill(tab, reading.choose, () => fillForm(tab, reading.fields));
    const said = [`The preset “${reading.name}” filled the form.`, ...reading.problems];
    const restore = () => chooseAndFill(tab, reading.before, restoreForm);
    offerPutBack(tab, said, "Put back", async () => {
      await restore();
      offerPutBack(tab, ["The form is what it was before."], "Redo", () => applyPreset(tab, name));
    });
    return "";
  } catch (error) {
    return messageOf(error);
  }
}

/**
 * Chooses models and fills the form. A checkpoint may bring defaults of its own, as soon as the server tells them:
 * what was asked for is filled in once more then.
 * @param {Tab} tab
 * @param {Record<string, string>} titles by option key
 * @param {() => Promise<void>} fill
 */
async function chooseAndFill(tab, titles, fill) {
  let filling = Promise.resolve();
  const fillAgain = (/** @type {Event} */ event) => {
    if (event instanceof CustomEvent && event.detail.tab === tab) filling = filling.then(fill).catch(() => {});
  };
  addEventListener(DEFAULTS_CAME, fillAgain);
  setTimeout(() => removeEventListener(DEFAULTS_CAME, fillAgain), DEFAULTS_MS);
  for (const [option, title] of Object.entries(titles)) await chooseModel(option, title);
  filling = filling.then(fill);
  await filling;
}

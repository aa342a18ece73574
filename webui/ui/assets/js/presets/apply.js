// A preset fills the form, and says so beside a button that puts back what stood there.
import { find } from "../dom.js";
import { make } from "../controls.js";
import { chooseModel } from "../cards/choosing.js";
import { button } from "../dialogs.js";
import { fillForm, putBack } from "../form.js";
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
    say(tab, reading, () => chooseAndFill(tab, reading.before, restoreForm));
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

/**
 * @param {Tab} tab
 * @param {PresetReading} reading
 * @param {() => Promise<void>} restore
 */
function say(tab, { name, problems }, restore) {
  find(`#${tab}_preset_said`)?.remove();
  const text = make("div", { className: "preset-text" }, make("p", { textContent: `The preset “${name}” filled the form.` }));
  text.append(...problems.map((problem) => make("p", { textContent: problem })));
  /** @type {HTMLElement} */
  const box = make(
    "div",
    {
      id: `${tab}_preset_said`,
      className: `preset-said notice-box ${problems.length ? "warning" : "info"}`,
      attributes: { role: "status" },
    },
    text,
    make(
      "div",
      { className: "preset-said-buttons" },
      button("Put back", async () => {
        try {
          await restore();
          box.remove();
        } catch (error) {
          text.replaceChildren(make("p", { textContent: messageOf(error) }));
        }
      }, { title: "Make the form what it was before" }),
      button("OK", () => box.remove(), { title: "Keep it, and close this" }),
    ),
  );
  find(`#${tab}_notice`)?.after(box);
}

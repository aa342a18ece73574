// A preset fills the form, and says so beside a button that puts back what stood there.
import { find } from "../dom.js";
import { make } from "../controls.js";
import { chooseModel } from "../cards/choosing.js";
import { button } from "../dialogs.js";
import { fillForm, putBack } from "../form.js";
import { ask, messageOf } from "../server.js";

/**
 * Applies a preset to a tab; resolves with the sentence of what went wrong, empty where it was filled in.
 * @param {Tab} tab
 * @param {string} name
 */
export async function applyPreset(tab, name) {
  try {
    const reading = /** @type {PresetReading} */ (await ask("GET", `v1/presets/${encodeURIComponent(name)}`));
    const restoreForm = await putBack(tab);
    await chooseAll(reading.choose);
    await fillForm(tab, reading.fields);
    say(tab, reading, async () => {
      await chooseAll(reading.before);
      await restoreForm();
    });
    return "";
  } catch (error) {
    return messageOf(error);
  }
}

/** @param {Record<string, string>} titles by option key */
async function chooseAll(titles) {
  for (const [option, title] of Object.entries(titles)) await chooseModel(option, title);
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

// The section "Extensions" of the Settings tab: which there are, what became of each, and switches for the next start.
import { find } from "./dom.js";
import { make } from "./controls.js";
import { ask, messageOf } from "./server.js";
import { drawForm } from "./parts/draw.js";
import { sectionsDrawn } from "./settings/drawing.js";

/**
 * @typedef {{name: string, origin: string, state: string, error: string, seconds: number, wanted: boolean,
 *   settings_title: string, settings_schema: Record<string, any> | null, settings: Record<string, any>}} Extension
 */

/** @param {Extension} one */
function row(one) {
  const path = `v1/extensions/${encodeURIComponent(one.name)}`;
  const said = make("span", { className: "extension-said", attributes: { role: "status" } });
  const input = make("input", { type: "checkbox", id: `extension_${one.name}`, checked: one.wanted });
  const change = async (/** @type {object} */ body, /** @type {string} */ words) => {
    try {
      await ask("PATCH", path, body);
      said.textContent = words;
    } catch (error) {
      said.textContent = messageOf(error);
    }
  };
  input.onchange = () => void change({ wanted: input.checked }, `${input.checked ? "On" : "Off"} from the next start on.`);
  const state = one.error || (one.state === "on" ? `loaded in ${one.seconds.toFixed(2)} s` : one.state);
  const element = make("div", { className: "extension-row" },
    make("div", { className: "part-tick part-field" }, input, make("label", { htmlFor: input.id, textContent: one.name })),
    make("span", { className: one.error ? "extension-error" : "extension-state", textContent: state }), said);
  if (one.settings_schema) {
    const form = make("fieldset", { className: "part-model" }, make("legend", { textContent: one.settings_title }));
    drawForm(form, one.settings_schema, one.settings_schema, one.settings, (settings) => void change({ settings }, "Kept."));
    element.append(form);
  }
  return element;
}

async function begin() {
  await sectionsDrawn;
  const answer = await ask("GET", "v1/extensions").catch(() => null);
  const sections = find("#settings_sections nav");
  const last = find("#settings .settings-section:last-of-type");
  if (!answer?.extensions.length || !sections || !last) return;
  const section = make("div", { id: "settings_extensions", className: "parts extensions-section" },
    make("h2", { textContent: "Extensions" }), ...answer.extensions.map(row));
  last.after(section);
  sections.append(make("a", { href: "#settings_extensions", textContent: "Extensions" }));
}

void begin();

// The section "Interrogate" of the Settings tab, drawn from the server's schema; what is changed is kept at once.
import { find, findAll } from "../dom.js";
import { make } from "../controls.js";
import { ask, messageOf } from "../server.js";
import { drawForm } from "../parts/draw.js";
import { sectionsDrawn } from "../settings/drawing.js";

export async function placeSettings() {
  await sectionsDrawn;
  const told = await ask("GET", "v1/captioning/settings").catch(() => null);
  const last = findAll("#settings .settings-section").at(-1);
  if (!told || !last) return;
  const said = make("span", { className: "extension-said", attributes: { role: "status" } });
  const section = make("div", { id: "settings_interrogate", className: "parts extensions-section" },
    make("h2", { textContent: "Interrogate" }));
  const form = make("div", { className: "extension-row" });
  drawForm(form, told.schema, told.schema, told.settings, async (settings) => {
    try {
      await ask("PUT", "v1/captioning/settings", settings);
      said.textContent = "Kept.";
    } catch (error) {
      said.textContent = messageOf(error);
    }
  });
  section.append(form, said);
  // Before the last one, behind which extensions.js puts its own.
  last.before(section);
  find(`#settings_sections a[href="#${last.id}"]`)?.before(make("a", { href: "#settings_interrogate", textContent: "Interrogate" }));
}

// Presets: whole set-ups by name, behind one button beside the styles.
import { appears } from "./dom.js";
import { iconButton } from "./controls.js";
import { openPresets } from "./presets/dialog.js";

for (const tab of ["txt2img", "img2img"]) {
  const tools = await appears(`#${tab}_tools`);
  const opener = iconButton("presets", "Presets: keep and choose whole set-ups", () => openPresets(tab));
  opener.id = `${tab}_presets`;
  opener.setAttribute("aria-haspopup", "dialog");
  tools.append(opener);
}

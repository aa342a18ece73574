// Presets: whole set-ups by name, behind one button beside the styles.
import { appears } from "./dom.js";
import { iconButton } from "./controls.js";

for (const tab of ["txt2img", "img2img"]) {
  const tools = await appears(`#${tab}_tools`);
  const opener = iconButton("presets", "Presets: keep and choose whole set-ups", async () => {
    // Comes when it is wanted, so that no page waits for it.
    (await import("./presets/dialog.js")).openPresets(tab);
  });
  opener.id = `${tab}_presets`;
  opener.setAttribute("aria-haspopup", "dialog");
  tools.append(opener);
}

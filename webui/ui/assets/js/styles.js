// Styles beside the prompts: names that are no style are marked, changes of the files are seen, a button edits them.
import { appears, closest, find, onChange, publish } from "./dom.js";
import { iconButton } from "./controls.js";
import { StylesDialog } from "./styles/dialog.js";
import { applyStyles, chosenIn, markChips, readListed, readStyles, stylesToChoose, TABS } from "./styles/known.js";

// The files may have been changed by hand: looked at when the artist comes back to the page, or to the list.
const look = () => void readStyles().catch(() => {});

publish({ applyStyles, stylesToChoose });
for (const tab of TABS) {
  const refresh = await appears(`#refresh_${tab}_styles`);
  const edit = iconButton("edit", "Edit styles", () => new StylesDialog(tab));
  edit.id = `${tab}_styles_edit_button`;
  refresh.after(edit);
  const field = find(`#${tab}_styles`);
  if (!field) continue;
  onChange(field, () => {
    markChips();
    if (chosenIn(tab).length) readListed();
  });
}
readListed();
markChips();
addEventListener("focus", look);
document.addEventListener("focusin", (event) => {
  if (closest(event, TABS.map((tab) => `#${tab}_styles input`).join(", "))) look();
});

// The Settings tab: search over labels, help and keys; links to the sections; a reset beside each option.
import { iconButton } from "./controls.js";
import { appears, closest, find, type } from "./dom.js";

const search = /** @type {HTMLInputElement} */ (await appears("#settings_search"));
await appears("#settings .setting");

/** @param {Element} element */
const key = ({ id }) => id.replace("setting_", "");

for (const option of document.querySelectorAll("#settings [id^='setting_']")) {
  const label = option.querySelector("[data-testid='block-info'], .label-text")?.textContent.trim() ?? "";
  const reset = iconButton("reset", `Back to the default: ${label}`, () => type(find("#settings_reset textarea"), key(option)));
  option.append(reset);
}

function filter() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let found = 0;
  for (const section of document.querySelectorAll(".settings-section")) {
    let shown = 0;
    for (const row of section.querySelectorAll(".setting")) {
      const text = `${row.textContent} ${key(row)} ${key(row).replaceAll("_", " ")}`.toLowerCase();
      const matches = words.every((word) => text.includes(word));
      row.classList.toggle("filtered", !matches);
      shown += matches ? 1 : 0;
    }
    section.classList.toggle("filtered", !shown);
    found += shown;
  }
  document.getElementById("settings")?.classList.toggle("nothing-found", !found);
}

search.addEventListener("input", filter);

document.addEventListener("click", (event) => {
  const link = closest(event, "#settings_sections a");
  if (!(link instanceof HTMLAnchorElement)) return;
  event.preventDefault();
  document.querySelector(link.hash)?.scrollIntoView({ behavior: "smooth", block: "start" });
});

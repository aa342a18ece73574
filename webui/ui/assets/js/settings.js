// The Settings tab: search over labels, help and keys; links to the sections; a reset beside each option.
import { iconButton } from "./controls.js";
import { appears, find, type } from "./dom.js";

const search = await appears("#settings_search");
await appears("#settings .setting");

const key = ({ id }) => id.replace("setting_", "");

for (const option of document.querySelectorAll("#settings [id^='setting_']")) {
  const label = option.querySelector("[data-testid='block-info'], .label-text").textContent.trim();
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
      shown += matches;
    }
    section.classList.toggle("filtered", !shown);
    found += shown;
  }
  document.getElementById("settings").classList.toggle("nothing-found", !found);
}

search.addEventListener("input", filter);

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("#settings_sections a");
  if (!link) return;
  event.preventDefault();
  document.querySelector(link.hash)?.scrollIntoView({ behavior: "smooth", block: "start" });
});

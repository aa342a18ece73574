// The Settings tab: search over labels, help and keys; links to the sections.
import { appears } from "./dom.js";

const search = await appears("#settings_search");
await appears("#settings .setting");

function key(row) {
  return row.querySelector("[id^='setting_']")?.id.replace("setting_", "") ?? "";
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

// The Settings tab: search over labels, help and keys; sections that fold on a phone; what is changed and not applied.
import { iconButton, make } from "./controls.js";
import { button, dialogButtons, openDialog } from "./dialogs.js";
import { appears, closest, find, nextFrame, onChange, type } from "./dom.js";
import { restartButton } from "./restart.js";
import { sectionsDrawn } from "./settings/drawing.js";
import { defaults, isSame, keyOf, rows, shownIn, unapplied } from "./settings/values.js";

const PHONE = matchMedia("(max-width: 600px)");

const search = /** @type {HTMLInputElement} */ (await appears("#settings_search"));
await sectionsDrawn;
const tab = find("#tab_settings");
const submit = find("#settings_submit");
const result = find("#settings_result");
const count = make("span", { id: "settings_unapplied", attributes: { role: "status" } });
const discard = button("Discard", discardAll, { title: "Show again what holds", className: "settings-discard" });
submit?.before(count, discard);
const reload = restartButton("Reload UI");
reload.id = "settings_restart_gradio";
reload.className = "settings-discard";
submit?.after(reload);

// --- values --------------------------------------------------------------------------------------------------------

let requests = 0;

/**
 * Asks the server to keep values at once, or only to show them again.
 * @param {{keep?: object, show?: object, undoes?: boolean}} request
 */
function ask(request) {
  requests += 1;
  type(find("#settings_request textarea"), JSON.stringify({ ...request, number: requests }));
}

function discardAll() {
  ask({ show: unapplied() });
}

/** @param {HTMLElement} row */
function addReset(row) {
  const label = labelOf(row);
  const key = keyOf(row);
  row.append(iconButton("reset", `Back to the default: ${label}`, () => ask({ keep: { [key]: DEFAULTS[key] } })));
}

/** @param {HTMLElement} row */
function labelOf(row) {
  return row.querySelector("[data-testid='block-info'], .label-text")?.textContent?.trim() ?? "";
}

const DEFAULTS = defaults();
rows().forEach(addReset);

/** Marks what is not the default, and what is not applied; says how much the latter is. */
function mark() {
  const open = unapplied();
  for (const row of rows()) {
    const key = keyOf(row);
    const isDefault = isSame(shownIn(row), DEFAULTS[key]) && (!(key in open) || isSame(shownIn(row), open[key]));
    row.classList.toggle("changed", key in DEFAULTS && !isDefault);
    row.classList.toggle("unapplied", key in open);
  }
  const many = Object.keys(open).length;
  const words = many === 1 ? "1 change not applied" : `${many} changes not applied`;
  if (count.textContent !== (many ? words : "")) count.textContent = many ? words : "";
  discard.hidden = !many;
  return many;
}

/** Fields change with the event, lists a moment later. */
async function markSoon() {
  await nextFrame();
  mark();
  await nextFrame();
  mark();
}

for (const kind of ["input", "change", "click", "focusout", "keyup"]) tab?.addEventListener(kind, markSoon);
if (result) onChange(result, () => void markSoon(), { childList: true, subtree: true, characterData: true });
if (tab) onChange(tab, () => void markSoon(), { attributes: true, attributeFilter: ["style"] });

result?.addEventListener("click", (event) => {
  const undo = closest(event, "[data-request]");
  if (undo) ask(JSON.parse(undo.dataset.request ?? "{}"));
});

// --- leaving -------------------------------------------------------------------------------------------------------

// Who closes the window is asked by a script in the page's HTML, before Gradio hears of it: webui/ui/page.py.
document.addEventListener("leave-tab", (event) => {
  const { from, to } = /** @type {CustomEvent<{from: string, to: string}>} */ (event).detail;
  if (from !== "tab_settings" || !mark()) return;
  event.preventDefault();
  askToLeave(() => window.webui.showTab(to.replace(/^tab_/, "")));
});

/** @param {() => void} leave */
function askToLeave(leave) {
  const labels = rows().filter((row) => row.classList.contains("unapplied")).map(labelOf);
  const asking = openDialog(
    labels.length === 1 ? "1 change is not applied" : `${labels.length} changes are not applied`,
    { narrow: true },
    make("p", { textContent: labels.join(", ") }),
  );
  const settle = (/** @type {() => void} */ action) => {
    asking.close();
    action();
    void whenSettled().then((isSettled) => isSettled && leave());
  };
  const stay = button("Stay", () => asking.close());
  const throwAway = button("Discard", () => settle(discardAll));
  const apply = button("Apply", () => settle(() => submit?.click()), { className: "primary" });
  asking.append(dialogButtons(throwAway, null, stay, apply));
  apply.focus();
}

/**
 * Waits until no change is left; false where the server refused one, which stands by Apply.
 * @returns {Promise<boolean>}
 */
async function whenSettled() {
  for (;;) {
    if (!mark()) return true;
    if (result?.querySelector(".notice-box.error")) return false;
    await nextFrame();
  }
}

// --- search and sections ---------------------------------------------------------------------------------------------

const sections = /** @type {HTMLElement[]} */ ([...document.querySelectorAll(".settings-section")]);

function filter() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let found = 0;
  for (const section of sections) {
    let shown = 0;
    for (const row of section.querySelectorAll(".setting")) {
      const text = `${row.textContent} ${keyOf(row)} ${keyOf(row).replaceAll("_", " ")}`.toLowerCase();
      const matches = words.every((word) => text.includes(word));
      row.classList.toggle("filtered", !matches);
      shown += matches ? 1 : 0;
    }
    section.classList.toggle("filtered", !shown);
    found += shown;
  }
  const page = find("#settings");
  page?.classList.toggle("nothing-found", !found);
  page?.classList.toggle("searching", Boolean(words.length));
  fold();
}

search.addEventListener("input", filter);

/**
 * Opens or closes a section; one is open at a time.
 * @param {HTMLElement} section
 */
function toggle(section) {
  const opens = !section.classList.contains("open");
  for (const each of sections) each.classList.toggle("open", each === section && opens);
  fold();
  find("h2 button", section)?.focus();
  if (opens) section.scrollIntoView({ block: "start" });
}

/** On a phone, headings are buttons that open their section; elsewhere, and in a search, all are open. */
function fold() {
  const folds = PHONE.matches && !find("#settings.searching");
  for (const section of sections) {
    const heading = find("h2", section);
    if (!heading) continue;
    const words = heading.textContent ?? "";
    const expanded = String(section.classList.contains("open"));
    const fresh = () => make("button", { type: "button", textContent: words, onclick: () => toggle(section) });
    const inner = folds ? (find("button", heading) ?? fresh()) : words;
    if (inner instanceof Element) inner.setAttribute("aria-expanded", expanded);
    if (heading.firstChild !== inner) heading.replaceChildren(inner);
  }
}

sections[0]?.classList.add("open");
PHONE.addEventListener("change", fold);
fold();
mark();

document.addEventListener("click", (event) => {
  const link = closest(event, "#settings_sections a");
  if (!(link instanceof HTMLAnchorElement)) return;
  event.preventDefault();
  document.querySelector(link.hash)?.scrollIntoView({ behavior: "smooth", block: "start" });
});

// A right click on Generate offers to generate without end: whenever a job of the tab has ended, the next one begins.
import { make } from "./controls.js";
import { appears, find, onChange } from "./dom.js";

/** By tab, the id of the last job whose end was taken note of. Only tabs that generate forever stand here. */
const running = /** @type {Map<string, string | undefined>} */ (new Map());
const menu = make("div", { className: "context-menu", attributes: { role: "menu" } });
document.body.append(menu);

/** What the page tells of the tab's last job once it has ended; null before the first and while one runs. */
function readEnd(/** @type {string} */ tab) {
  const { job, outcome, waiting } = find(`#${tab}_progress .job-ended`)?.dataset ?? {};
  return job ? { job, outcome, isLast: waiting === "0" } : null;
}

function press(/** @type {string} */ tab) {
  find(`#${tab}_generate`)?.click();
}

function begin(/** @type {string} */ tab) {
  if (running.has(tab)) return;
  running.set(tab, readEnd(tab)?.job);
  find(`#${tab}_generate`)?.classList.add("forever");
  press(tab);
}

function end(/** @type {string} */ tab) {
  running.delete(tab);
  find(`#${tab}_generate`)?.classList.remove("forever");
}

/** Begins the next job when one has ended, unless others wait. What failed once would fail without end. */
function follow(/** @type {string} */ tab) {
  const ended = readEnd(tab);
  if (!ended || !running.has(tab) || running.get(tab) === ended.job) return;
  running.set(tab, ended.job);
  if (ended.outcome === "failed") end(tab);
  else if (ended.isLast) press(tab);
}

function open(/** @type {MouseEvent} */ event, /** @type {string} */ tab) {
  event.preventDefault();
  const entries = /** @type {const} */ ([["Generate forever", begin], ["Cancel generate forever", end]]);
  menu.replaceChildren(...entries.map(([label, action]) =>
    make("button", {
      type: "button",
      textContent: label,
      disabled: (action === end) !== running.has(tab),
      onclick: () => action(tab),
      attributes: { role: "menuitem" },
    })));
  menu.classList.add("open");
  menu.style.left = `${Math.min(event.clientX, innerWidth - menu.offsetWidth - 8)}px`;
  menu.style.top = `${Math.min(event.clientY, innerHeight - menu.offsetHeight - 8)}px`;
}

document.addEventListener("click", (event) => {
  // Not the clicks on Generate that the menu itself brought about.
  if (event.isTrusted) menu.classList.remove("open");
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") menu.classList.remove("open");
});

for (const tab of ["txt2img", "img2img"]) {
  await appears(`#${tab}_generate`);
  for (const id of [`${tab}_generate`, `${tab}_interrupt`]) {
    find(`#${id}`)?.addEventListener("contextmenu", (event) => open(event, tab));
  }
  onChange(await appears(`#${tab}_results_panel`), () => follow(tab));
}

// A right click on Generate offers to generate without end.
import { appears, isShown } from "./dom.js";

const CHECK_EVERY_MS = 500;
const running = new Map();

const menu = document.createElement("div");
menu.className = "context-menu";
menu.setAttribute("role", "menu");
document.body.append(menu);

function begin(tab) {
  const generate = document.getElementById(`${tab}_generate`);
  if (running.has(tab)) return;
  generate.classList.add("forever");
  generate.click();
  const timer = setInterval(() => {
    const waits = isShown(document.getElementById(`${tab}_interrupt`));
    if (!waits) generate.click();
  }, CHECK_EVERY_MS);
  running.set(tab, timer);
}

function end(tab) {
  clearInterval(running.get(tab));
  running.delete(tab);
  document.getElementById(`${tab}_generate`)?.classList.remove("forever");
}

function open(event, tab) {
  event.preventDefault();
  menu.replaceChildren();
  const entries = { "Generate forever": begin, "Cancel generate forever": end };
  for (const [label, action] of Object.entries(entries)) {
    const entry = document.createElement("button");
    entry.type = "button";
    entry.setAttribute("role", "menuitem");
    entry.textContent = label;
    entry.disabled = (action === end) !== running.has(tab);
    entry.addEventListener("click", () => action(tab));
    menu.append(entry);
  }
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
    document.getElementById(id)?.addEventListener("contextmenu", (event) => open(event, tab));
  }
}

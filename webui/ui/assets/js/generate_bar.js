// Generate stays in reach: its box sticks to the window's edge once it has scrolled out of sight. It tells how far the
// running job is, and that a press adds to the queue. Notices below it can be put away.
import { make } from "./controls.js";
import { appears, find, findAll, isShown, onChange } from "./dom.js";

const TABS = ["txt2img", "img2img", "extras"];
const RUNNING = ".progressDiv, .job-ended:not([data-waiting='0'])";
// On narrow screens the bar is always at the lower edge, by css/generate_bar.css alone.
const wide = matchMedia("(min-width: 861px)");

/** Boxes of one tab. @typedef {{tab: string, actions: HTMLElement, bar: HTMLElement, results: HTMLElement}} Boxes */

/**
 * Keeps the bar at the window's upper edge while its own place is above it, over the results.
 * @param {Boxes} boxes
 */
function stick({ actions, bar, results }) {
  if (!isShown(actions)) return;
  const stuck = wide.matches && actions.getBoundingClientRect().top < 0;
  if (stuck && !actions.classList.contains("stuck")) {
    // Its place stays as high as it is, so that the page does not move.
    actions.style.setProperty("--bar-space", `${bar.offsetHeight + 8}px`);
  }
  actions.classList.toggle("stuck", stuck);
  if (!stuck) return;
  const { left, width } = (isShown(results) ? results : actions).getBoundingClientRect();
  bar.style.setProperty("--bar-left", `${left}px`);
  bar.style.setProperty("--bar-width", `${width}px`);
}

/**
 * Tells the styles how far below the bar the tools and styles end, so that notices cover none of them.
 * @param {Boxes} boxes
 */
function clearTools({ actions, bar }) {
  if (!isShown(actions) || actions.classList.contains("stuck")) return;
  const end = actions.lastElementChild?.getBoundingClientRect().bottom ?? 0;
  const below = `${Math.max(Math.round(end - bar.getBoundingClientRect().bottom), 0)}px`;
  if (bar.style.getPropertyValue("--tools-end") !== below) bar.style.setProperty("--tools-end", below);
}

/**
 * Tells the styles how much of the window lies above the results, so that the gallery fits into the rest.
 * @param {Boxes} boxes
 */
function measure({ results }) {
  if (!isShown(results)) return;
  const top = results.getBoundingClientRect().top - (results.closest(".gradio-container")?.getBoundingClientRect().top ?? 0);
  const above = `${Math.round(top)}px`;
  if (results.style.getPropertyValue("--above") !== above) results.style.setProperty("--above", above);
}

/**
 * Shows in the bar what the results' own bar shows, and on Generate that a press adds to the queue.
 * @param {Boxes} boxes
 * @param {HTMLElement} copy
 */
function tell({ tab, bar, results }, copy) {
  const running = find(".progressDiv", results);
  copy.hidden = !running;
  copy.className = `bar-progress${running?.classList.contains("indeterminate") ? " indeterminate" : ""}`;
  if (running && copy.innerHTML !== running.innerHTML) copy.innerHTML = running.innerHTML;
  const generate = find(`#${tab}_generate`, bar);
  const adds = find(".adds", bar);
  const queues = Boolean(find(RUNNING, results));
  if (!generate || queues === Boolean(adds)) return;
  adds?.remove();
  if (queues) generate.append(make("span", { className: "adds", textContent: "adds to queue" }));
  generate.title = queues ? "A job runs. This one is added to the queue." : "";
}

/**
 * Gives the notices a cross. What is written there next is shown again.
 * @param {HTMLElement} notices
 */
function dismissable(notices) {
  const box = find(".notice-box", notices);
  if (!box || find(".notice-close", box)) return;
  notices.classList.remove("dismissed");
  const close = make("button", { type: "button", className: "notice-close", textContent: "×", title: "Put this notice away" });
  close.setAttribute("aria-label", "Put this notice away");
  close.addEventListener("click", () => notices.classList.add("dismissed"));
  box.append(close);
}

/** A field that the keyboard of a phone, or the bar, would cover is brought into sight. */
function uncover() {
  const field = document.activeElement;
  const bar = findAll(".generate-bar").find(isShown);
  if (!bar || wide.matches || !field?.matches("input, textarea") || bar.contains(field)) return;
  if (field.getBoundingClientRect().bottom > bar.getBoundingClientRect().top) field.scrollIntoView({ block: "nearest" });
}

/** @type {Boxes[]} */
const all = [];
for (const tab of TABS) {
  const bar = await appears(`#${tab}_generate_bar`);
  const results = await appears(`#${tab}_results`);
  const actions = bar.closest(".actions");
  if (!(actions instanceof HTMLElement)) continue;
  const boxes = { tab, actions, bar, results };
  all.push(boxes);
  const copy = make("div", { className: "bar-progress", hidden: true, attributes: { "aria-hidden": "true" } });
  bar.append(copy);
  const looked = { childList: true, subtree: true, attributes: true, attributeFilter: ["data-fraction"] };
  onChange(await appears(`#${tab}_progress`), () => tell(boxes, copy), looked);
  const notices = await appears(`#${tab}_notice`);
  onChange(notices, () => dismissable(notices));
  find(`#${tab}_generate`, bar)?.addEventListener("click", () => notices.classList.remove("dismissed"));
}

function place() {
  for (const boxes of all) {
    stick(boxes);
    clearTools(boxes);
    measure(boxes);
  }
}

addEventListener("scroll", () => all.forEach(stick), { passive: true });
addEventListener("resize", place);
visualViewport?.addEventListener("resize", uncover);
// Prompts grow, cards unfold, lists of models appear above: none of these is a resize of the window.
const growth = new ResizeObserver(place);
for (const { actions, results } of all) for (const element of [...actions.children, actions, results]) growth.observe(element);
place();

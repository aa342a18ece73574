// A click on the large picture shows it over the whole page. Left and Right go through the pictures, s saves the one
// that is shown, Esc or a click closes.
import { make } from "./controls.js";
import { closest, findAll, isShown } from "./dom.js";

/** A button whose word is a sign. */
function makeSign(/** @type {string} */ className, /** @type {string} */ label, /** @type {string} */ textContent) {
  return make("button", { type: "button", className, textContent, attributes: { "aria-label": label } });
}

const picture = make("img", { id: "modalImage", alt: "" });
const place = make("span", { className: "modalPlace" });
const previous = makeSign("modalPrev", "Previous picture", "‹");
const next = makeSign("modalNext", "Next picture", "›");
const box = make(
  "div",
  { id: "lightboxModal", tabIndex: -1, attributes: { role: "dialog", "aria-modal": "true", "aria-label": "Picture" } },
  previous,
  picture,
  next,
  makeSign("modalClose", "Close", "×"),
  place,
);
document.body.append(box);
let gallery = /** @type {Element | null} */ (null);
let before = /** @type {Element | null} */ (null);
let shownIndex = 0;

/** The strip under the large picture; the grid behind it holds the same pictures. */
function thumbnails() {
  return gallery ? findAll(".thumbnails .thumbnail-item", gallery) : [];
}

/** Addresses of all pictures; of the large one alone where there is no strip. */
function sources() {
  const small = thumbnails().flatMap((item) => item.querySelector("img")?.src || []);
  return small.length ? small : sourceOf(gallery?.querySelector(".preview"));
}

/** @param {Element | null | undefined} element */
function sourceOf(element) {
  const image = element instanceof HTMLImageElement ? element : element?.querySelector("img");
  return image?.src ? [image.src] : [];
}

/** @param {number} index */
function show(index) {
  const all = sources();
  if (!all.length) return close();
  const at = (index + all.length) % all.length;
  picture.src = all[at];
  shownIndex = at;
  place.textContent = all.length > 1 ? `${at + 1} / ${all.length}` : "";
  box.classList.toggle("single", all.length < 2);
  // The gallery goes along, so that buttons below it mean the picture that was looked at.
  thumbnails()[at]?.click();
}

/** @param {number} by */
function step(by) {
  show(shownIndex + by);
}

function close() {
  box.classList.remove("open");
  // The gallery may have been drawn anew.
  const back = before?.isConnected ? before : gallery?.querySelector(".preview button");
  if (back instanceof HTMLElement) back.focus();
}

/**
 * Tab goes round among what the box shows.
 * @param {KeyboardEvent} event
 */
function stayInside(event) {
  const stops = findAll("button", box).filter(isShown);
  const at = stops.findIndex((button) => button === document.activeElement);
  event.preventDefault();
  event.stopPropagation();
  stops.at(event.shiftKey ? Math.max(at, 0) - 1 : (at + 1) % stops.length)?.focus();
}

function save() {
  const tab = gallery?.id.replace(/_gallery$/, "");
  document.getElementById(`save_${tab}`)?.click();
}

document.addEventListener(
  "click",
  (event) => {
    const image = closest(event, "[id$='_gallery'] .preview .media-button, [id$='_gallery'] .preview > img");
    if (!image) return;
    event.preventDefault();
    event.stopPropagation();
    gallery = image.closest("[id$='_gallery']");
    before = document.activeElement;
    box.classList.add("open");
    show(Math.max(sources().indexOf(sourceOf(image)[0]), 0));
    box.focus();
  },
  true,
);

box.addEventListener("click", (event) => {
  if (event.target === previous) step(-1);
  else if (event.target === next) step(1);
  else close();
});

const ACTIONS = new Map(Object.entries({ ArrowLeft: () => step(-1), ArrowRight: () => step(1), Escape: close, s: save }));

document.addEventListener(
  "keydown",
  (event) => {
    // An extension may show the box its own way, with keys of its own.
    if (!box.classList.contains("open") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Tab") return stayInside(event);
    const action = ACTIONS.get(event.key);
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    action();
  },
  true,
);

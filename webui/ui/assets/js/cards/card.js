// One card: picture, name, what it is for, its small buttons. The shape is A1111's: .card[data-name] .actions .name and
// .button-row.
import { iconButton, make } from "../controls.js";
import { find, findAll } from "../dom.js";
import { address } from "../server.js";

/**
 * What a card asks for.
 * @typedef {{
 *   use: (card: Card, element: HTMLElement) => unknown,
 *   edit: (card: Card) => unknown,
 *   favour: (card: Card) => unknown,
 *   isUsed: (card: Card) => boolean,
 * }} CardActions
 */

/**
 * Initials for a file without a picture, on a ground that its name chooses.
 * @param {Card} card
 */
function drawStandIn(card) {
  const hue = [...card.stem].reduce((sum, letter) => (sum * 31 + (letter.codePointAt(0) ?? 0)) % 360, 7);
  const words = card.stem.split(/[^\p{L}\p{N}]+/u).filter(Boolean);
  const letters = words.slice(0, 2).map((word) => [...word][0].toUpperCase()).join("");
  const ground = make("div", { className: "stand-in", textContent: letters || "?" });
  ground.style.setProperty("--hue", String(hue));
  return ground;
}

/** @param {Card} card */
function familyOf({ reason, family }) {
  if (reason) return "cannot be used";
  return family === "unknown" ? "" : family;
}

/** @param {Card} card */
function drawPicture(card) {
  if (!card.thumbnail) return drawStandIn(card);
  const image = make("img", { className: "preview", loading: "lazy", decoding: "async", alt: "", draggable: false });
  image.addEventListener("error", () => image.replaceWith(drawStandIn(card)));
  image.src = address(card.thumbnail.replace(/^\//, "")).href;
  return image;
}

/** @param {CardUpdate} update */
function makeBadge({ version }) {
  return make("span", { className: "newer", textContent: "New version", title: `${version} is on Civitai` });
}

/** @param {Card} card */
function drawTexts(card) {
  return make(
    "div",
    { className: "actions" },
    make("span", { className: "name", textContent: card.stem }),
    make("span", { className: "family", textContent: familyOf(card) }),
    make("span", { className: "description", textContent: card.description ?? "" }),
    make("span", { className: "additional", hidden: true },
      make("span", { className: "search_terms search_term", textContent: card.name })),
  );
}

/**
 * Marks a card as used or not, for the eye and for screen readers.
 * @param {HTMLElement} element
 * @param {boolean} used
 */
export function markUsed(element, used) {
  element.classList.toggle("used", used);
  mainButton(element)?.setAttribute("aria-pressed", String(used));
}

/**
 * The button that uses a card: as large as the card, below its small ones.
 * @param {HTMLElement} element
 */
export function mainButton(element) {
  return find(".card-use", element);
}

/**
 * Whether Tab stops at the buttons of a card.
 * @param {HTMLElement} element
 * @param {boolean} reachable
 */
export function setReachable(element, reachable) {
  for (const button of findAll("button", element)) button.tabIndex = reachable ? 0 : -1;
}

/**
 * An element for a card; `actions` are use(card), edit(card) and favour(card).
 * @param {Card} card
 * @param {CardActions} actions
 */
export function drawCard(card, { use, edit, favour, isUsed }) {
  const title = card.reason ?? card.name;
  const element = make(
    "div",
    { className: "card", attributes: { "data-name": card.stem, "data-id": card.id, role: "listitem" } },
    drawPicture(card),
    make("button", { type: "button", className: "card-use", title, attributes: { "aria-label": card.stem } }),
    ...(card.update ? [makeBadge(card.update)] : []),
    make(
      "div",
      { className: "card-buttons button-row" },
      iconButton(
        card.favourite ? "star-full" : "star",
        card.favourite ? "Remove from favourites" : "Favourite",
        () => favour(card),
      ),
      iconButton("edit", "Details, trigger words, preview", () => edit(card)),
    ),
    drawTexts(card),
  );
  element.classList.toggle("favourite", card.favourite);
  element.classList.toggle("unusable", Boolean(card.reason));
  markUsed(element, isUsed(card));
  // Also for scripts that press the card itself.
  element.addEventListener("click", () => use(card, element));
  return element;
}

// One card: picture, name, what it is for, its small buttons. The shape is A1111's: .card[data-name] .actions .name.
import { iconButton, make } from "../controls.js";
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

/**
 * An element for a card; `actions` are use(card), edit(card) and favour(card).
 * @param {Card} card
 * @param {CardActions} actions
 */
export function drawCard(card, { use, edit, favour, isUsed }) {
  const element = make(
    "div",
    {
      className: "card",
      tabIndex: 0,
      title: card.reason ?? card.name,
      attributes: { "data-name": card.stem, "data-id": card.id, role: "button", "aria-label": card.stem },
    },
    drawPicture(card),
    ...(card.update ? [makeBadge(card.update)] : []),
    make(
      "div",
      { className: "card-buttons" },
      iconButton(
        card.favourite ? "star-full" : "star",
        card.favourite ? "Remove from favourites" : "Favourite",
        () => favour(card),
      ),
      iconButton("edit", "Details, trigger words, preview", () => edit(card)),
    ),
    make(
      "div",
      { className: "actions" },
      make("span", { className: "name", textContent: card.stem }),
      make("span", { className: "family", textContent: familyOf(card) }),
      make("span", { className: "description", textContent: card.description ?? "" }),
      make("span", { className: "search_terms", hidden: true, textContent: card.name }),
    ),
  );
  element.classList.toggle("favourite", card.favourite);
  element.classList.toggle("unusable", Boolean(card.reason));
  element.classList.toggle("used", isUsed(card));
  element.addEventListener("click", () => use(card, element));
  element.addEventListener("keydown", (event) => {
    if (event.target !== element || !["Enter", " "].includes(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    use(card, element);
  });
  return element;
}

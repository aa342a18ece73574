// How pictures come to a canvas: dropped, pasted, or chosen in the file dialog.

/** @import { Board } from "./board.js" */

const PICTURES = "image/*,.tif,.tiff,.avif";

/**
 * Opens the file dialog for a canvas.
 * @param {Board} board
 */
export function browse(board) {
  const input = document.createElement("input");
  input.type = "file";
  input.accept = PICTURES;
  input.addEventListener("change", () => {
    const file = input.files?.[0];
    if (file) void board.take(file);
  });
  input.click();
}

/**
 * The picture in what is dropped or pasted: a file, or one behind an address of this page.
 * @param {DataTransfer | null} transfer
 * @returns {Promise<Blob | null>}
 */
async function pictureIn(transfer) {
  const file = [...(transfer?.files ?? [])][0];
  if (file) return file;
  const link = transfer?.getData("text/uri-list") || imageSource(transfer?.getData("text/html"));
  if (!link) return null;
  // From another site this may be refused, and then a sentence says so.
  const response = await fetch(link);
  return response.ok ? response.blob() : null;
}

/** @param {string | undefined} html */
function imageSource(html) {
  return html ? new DOMParser().parseFromString(html, "text/html").querySelector("img")?.src : null;
}

/**
 * @param {DataTransfer | null} transfer
 * @param {Board} board
 */
async function takeFrom(transfer, board) {
  try {
    const picture = await pictureIn(transfer);
    if (picture) await board.take(picture);
    else board.say("There is no picture in that. Drop or paste a picture file.");
  } catch {
    board.say("That picture is on another site, which does not let this page read it. Save it, and drop the file.");
  }
}

/** The canvas that a pasted picture is meant for: the one below the pointer or with the focus, else the first shown. */
function pastedInto() {
  const shown = [...document.querySelectorAll(".canvas")].filter((canvas) => canvas.getClientRects().length);
  return shown.find((canvas) => canvas.matches(":hover, :focus-within")) ?? shown[0];
}

/**
 * Listens for drops on an element, and for pictures that are pasted.
 * @param {HTMLElement} element
 * @param {Board} board
 */
export function listen(element, board) {
  for (const name of ["dragenter", "dragover"]) {
    element.addEventListener(name, (event) => {
      event.preventDefault();
      element.classList.add("drop-here");
    });
  }
  element.addEventListener("dragleave", (event) => {
    const { relatedTarget } = event;
    if (!(relatedTarget instanceof Node && element.contains(relatedTarget))) element.classList.remove("drop-here");
  });
  element.addEventListener("drop", (event) => {
    event.preventDefault();
    element.classList.remove("drop-here");
    void takeFrom(event.dataTransfer, board);
  });
  document.addEventListener("paste", (event) => {
    if (!event.clipboardData?.files.length || pastedInto() !== element) return;
    event.preventDefault();
    void takeFrom(event.clipboardData, board);
  });
}

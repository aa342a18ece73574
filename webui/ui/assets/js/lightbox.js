// A click on the large picture shows it over the whole page. Left and Right go through the pictures, s saves the one
// that is shown, Esc or a click closes.
import { isShown } from "./dom.js";

const box = document.createElement("div");
box.id = "lightboxModal";
box.tabIndex = -1;
box.setAttribute("role", "dialog");
box.setAttribute("aria-label", "Picture");
box.innerHTML = `
  <button type="button" class="modalPrev" aria-label="Previous picture">‹</button>
  <img id="modalImage" alt="">
  <button type="button" class="modalNext" aria-label="Next picture">›</button>
  <button type="button" class="modalClose" aria-label="Close">×</button>
  <span class="modalPlace"></span>`;
document.body.append(box);
const picture = box.querySelector("#modalImage");
let gallery = null;
let before = null;

function thumbnails() {
  // The strip under the large picture; the grid behind it holds the same pictures.
  return [...(gallery?.querySelectorAll(".thumbnails .thumbnail-item") ?? [])];
}

function sources() {
  const small = thumbnails().map((item) => item.querySelector("img")?.src).filter(Boolean);
  return small.length ? small : [gallery?.querySelector(".preview img")?.src].filter(Boolean);
}

function show(index) {
  const all = sources();
  if (!all.length) return close();
  const at = (index + all.length) % all.length;
  picture.src = all[at];
  box.dataset.index = at;
  box.querySelector(".modalPlace").textContent = all.length > 1 ? `${at + 1} / ${all.length}` : "";
  box.classList.toggle("single", all.length < 2);
  // The gallery goes along, so that buttons below it mean the picture that was looked at.
  thumbnails()[at]?.click();
}

function step(by) {
  show(Number(box.dataset.index) + by);
}

function close() {
  box.classList.remove("open");
  before?.focus?.();
}

function save() {
  const tab = gallery?.id.replace(/_gallery$/, "");
  document.getElementById(`save_${tab}`)?.click();
}

document.addEventListener(
  "click",
  (event) => {
    const image = event.target.closest?.("[id$='_gallery'] .preview .media-button, [id$='_gallery'] .preview > img");
    if (!image) return;
    event.preventDefault();
    event.stopPropagation();
    gallery = event.target.closest("[id$='_gallery']");
    const chosen = image.matches("img") ? image : image.querySelector("img");
    before = document.activeElement;
    box.classList.add("open");
    show(Math.max(sources().indexOf(chosen?.src), 0));
    box.focus();
  },
  true,
);

box.addEventListener("click", (event) => {
  if (event.target.matches(".modalPrev")) step(-1);
  else if (event.target.matches(".modalNext")) step(1);
  else close();
});

document.addEventListener(
  "keydown",
  (event) => {
    if (!isShown(box) || event.ctrlKey || event.metaKey || event.altKey) return;
    const action = { ArrowLeft: () => step(-1), ArrowRight: () => step(1), Escape: close, s: save }[event.key];
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    action();
  },
  true,
);

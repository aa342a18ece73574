// Galleries and the large view of a picture.

/** The small pictures of the gallery that is shown. */
function all_gallery_buttons() {
  const found = gradioApp().querySelectorAll("div[id$=_gallery] .thumbnail-item.thumbnail-small");
  // Of a single picture the page hides the strip, not the gallery.
  return [...found].filter((button) => uiElementIsVisible(button.closest("div[id$=_gallery]")));
}

/** The small picture that is chosen in the gallery that is shown, or null. */
function selected_gallery_button() {
  return all_gallery_buttons().find((button) => button.classList.contains("selected")) ?? null;
}

/** The number of the chosen picture, -1 without one. */
function selected_gallery_index() {
  return all_gallery_buttons().findIndex((button) => button.classList.contains("selected"));
}

/** The small pictures of one gallery, by the id of what holds it. */
function gallery_container_buttons(/** @type {string} */ id) {
  return [...gradioApp().querySelectorAll(`#${CSS.escape(id)} .thumbnail-item.thumbnail-small`)];
}

function selected_gallery_index_id(/** @type {string} */ id) {
  return gallery_container_buttons(id).findIndex((button) => button.classList.contains("selected"));
}

/** Of a gallery's value, the chosen picture; the first, if none is chosen. */
function extract_image_from_gallery(/** @type {any[] | null} */ gallery) {
  if (!gallery?.length) return [null];
  const index = selected_gallery_index();
  // Galleries of events tell of more than there are buttons, never of fewer.
  return [gallery[index < 0 || index >= gallery.length ? 0 : index]];
}

function getGallerySelectedIndex(/** @type {string} */ id) {
  return selected_gallery_index_id(id);
}

function rememberGallerySelection() {
  // The page keeps the choice by itself.
}

function attachGalleryListeners(/** @type {string} */ tab) {
  const gallery = gradioApp().querySelector(`#${tab}_gallery`);
  gallery?.addEventListener("click", () => gradioApp().getElementById(`${tab}_generation_info_button`)?.click());
  return gallery;
}

/** Shows the picture of an event's element over the whole page. */
function showModal(/** @type {Event} */ event) {
  const { target } = event;
  if (!(target instanceof HTMLImageElement)) return;
  const modal = gradioApp().getElementById("lightboxModal");
  const picture = gradioApp().getElementById("modalImage");
  if (!modal || !picture) return;
  picture.src = target.src;
  modal.classList.add("open");
  modal.focus();
  event.stopPropagation();
}

function closeModal() {
  gradioApp().querySelector("#lightboxModal .modalClose")?.click();
}

/** Goes on among the pictures of the large view, back where the step is negative. */
function modalImageSwitch(/** @type {number} */ offset) {
  const name = offset < 0 ? "modalPrev" : "modalNext";
  for (let step = 0; step < Math.abs(offset); step++) gradioApp().querySelector(`#lightboxModal .${name}`)?.click();
}

function modalNextImage(/** @type {Event} */ event) {
  modalImageSwitch(1);
  event?.stopPropagation();
}

function modalPrevImage(/** @type {Event} */ event) {
  modalImageSwitch(-1);
  event?.stopPropagation();
}

function modalSaveImage(/** @type {Event} */ event) {
  const tab = get_uiCurrentTabContent()?.id.replace("tab_", "");
  gradioApp().getElementById(`save_${tab}`)?.click();
  event?.stopPropagation();
}

function saveImage() {
  modalSaveImage(new Event("click"));
}

function updateOnBackgroundChange() {
  // The large view follows the gallery by itself.
}

function imageMaskResize() {
  // Canvases fit their pictures by themselves.
}

// The page hears of a click at its outermost element, and Gradio 3 heard of it where it happened: what scripts of
// extensions listen for in a gallery is told to them once the page has chosen the picture.
(() => {
  /** @typedef {(this: EventTarget, event: Event) => unknown} Told */
  const later = /** @type {WeakMap<Told, Told>} */ (new WeakMap());
  const { addEventListener, removeEventListener } = Element.prototype;

  /** What is called in a listener's stead; the same one each time. */
  function afterwards(/** @type {Told} */ listener) {
    let made = later.get(listener);
    if (!made) {
      made = function (event) {
        setTimeout(() => listener.call(this, event));
      };
      later.set(listener, made);
    }
    return made;
  }

  Element.prototype.addEventListener = function (/** @type {string} */ type, /** @type {any} */ listener, /** @type {any} */ options) {
    const isLate = type === "click" && typeof listener === "function" && this.closest(".gradio-gallery") && atelierHost.nameCaller();
    return addEventListener.call(this, type, isLate ? afterwards(listener) : listener, options);
  };
  Element.prototype.removeEventListener = function (/** @type {string} */ type, /** @type {any} */ listener, /** @type {any} */ options) {
    const made = type === "click" && typeof listener === "function" ? later.get(listener) : undefined;
    if (made) removeEventListener.call(this, type, made, options);
    return removeEventListener.call(this, type, listener, options);
  };
})();

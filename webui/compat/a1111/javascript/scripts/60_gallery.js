// Galleries.

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

function imageMaskResize() {
  // Canvases fit their pictures by themselves.
}

// The page hears of a click at its outermost element, and Gradio 3 heard of it where it happened: what scripts of
// extensions listen for in a gallery is told to them once the page has chosen the picture; so it is with tabs and heads of
// accordions, which tell by a class whether they are chosen or open.
(() => {
  /** @typedef {(this: EventTarget, event: Event) => unknown} Told */
  const later = /** @type {WeakMap<Told, Told>} */ (new WeakMap());
  const { addEventListener, removeEventListener } = Element.prototype;

  const isToldLate = (/** @type {Element} */ element) => element.closest(".gradio-gallery") || element.matches(".label-wrap, [role='tab']");

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
    const isLate = type === "click" && typeof listener === "function" && isToldLate(this) && atelierHost.nameCaller();
    return addEventListener.call(this, type, isLate ? afterwards(listener) : listener, options);
  };
  Element.prototype.removeEventListener = function (/** @type {string} */ type, /** @type {any} */ listener, /** @type {any} */ options) {
    const made = type === "click" && typeof listener === "function" ? later.get(listener) : undefined;
    if (made) removeEventListener.call(this, type, made, options);
    return removeEventListener.call(this, type, listener, options);
  };
})();

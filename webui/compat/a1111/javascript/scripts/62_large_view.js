// The large view of a picture: A1111's functions of it, which extensions call and replace by others of their own.

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

/** The rest of a division, which is never below 0. */
function negmod(/** @type {number} */ number, /** @type {number} */ by) {
  return ((number % by) + by) % by;
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

/** What the keys do while the large view is shown. */
function modalKeyHandler(/** @type {KeyboardEvent} */ event) {
  const actions = { s: saveImage, ArrowLeft: modalPrevImage, ArrowRight: modalNextImage, Escape: closeModal };
  const action = actions[/** @type {keyof typeof actions} */ (event.key)];
  action?.(event);
}

function updateOnBackgroundChange() {
  // The large view follows the gallery by itself.
}

(() => {
  const own = showModal;

  // A1111 has the view's buttons in a row before the picture.
  onUiLoaded(() => {
    const modal = document.getElementById("lightboxModal");
    const controls = document.createElement("div");
    controls.className = "modalControls";
    controls.append(...(modal?.querySelectorAll(".modalClose") ?? []));
    modal?.prepend(controls);
  });

  // A click on a picture calls whatever function has that name now.
  window.addEventListener(
    "click",
    (event) => {
      if (window.showModal === own || !(event.target instanceof Element)) return;
      const holder = event.target.closest("[id$='_gallery'] .preview .media-button, [id$='_gallery'] .preview > img");
      const picture = holder instanceof HTMLImageElement ? holder : holder?.querySelector("img");
      if (!picture) return;
      event.preventDefault();
      event.stopPropagation();
      // It reads the picture from the event.
      const told = new MouseEvent("click", { bubbles: true, cancelable: true });
      Object.defineProperty(told, "target", { value: picture });
      executeCallback(window.showModal, told);
    },
    true,
  );
})();

// A box over the page with whatever an extension shows in it, and entries in menus of the right mouse button.

/** @type {HTMLElement | null} */
var globalPopup = null;
/** @type {HTMLElement | null} */
var globalPopupInner = null;

(() => {
  let before = /** @type {Element | null} */ (null);

  atelierHost.openPopup = (/** @type {Node} */ contents) => {
    if (!globalPopup) {
      const { make } = atelierHost;
      globalPopupInner = make("div", { className: "global-popup-inner" });
      const close = make("button", { type: "button", className: "global-popup-close", title: "Close", textContent: "×", onclick: closePopup });
      globalPopup = make("div", { className: "global-popup", role: "dialog", "aria-modal": "true", "aria-label": "Extension", tabIndex: -1 }, close, globalPopupInner ?? "");
      globalPopup?.addEventListener("click", ({ target }) => {
        if (target === globalPopup) closePopup();
      });
      globalPopup?.addEventListener("keydown", ({ key }) => {
        if (key === "Escape") closePopup();
      });
      document.body.append(globalPopup ?? "");
    }
    before = document.activeElement;
    globalPopupInner?.replaceChildren(contents);
    if (globalPopup) globalPopup.style.display = "flex";
    globalPopup?.focus();
  };
  atelierHost.afterPopup = () => {
    if (before instanceof HTMLElement) before.focus();
  };
})();

/** Shows an element over the page. */
function popup(/** @type {Node} */ contents) {
  atelierHost.openPopup(contents);
}

var storedPopupIds = /** @type {Record<string, HTMLElement>} */ ({});

/** Shows an element of the page, by its id, over the page. */
function popupId(/** @type {string} */ id) {
  storedPopupIds[id] ??= gradioApp().getElementById(id);
  if (storedPopupIds[id]) popup(storedPopupIds[id]);
}

function closePopup() {
  if (!globalPopup) return;
  globalPopup.style.display = "none";
  atelierHost.afterPopup();
}

(() => {
  /** @typedef {{id: string, selector: string, words: string, action: (element: Element) => unknown}} Entry */
  const entries = /** @type {Entry[]} */ ([]);
  let listens = false;
  /** @type {HTMLElement | null} */
  let menu = null;

  function drawEntry(/** @type {Entry} */ entry, /** @type {Element} */ element) {
    return atelierHost.make("button", {
      type: "button",
      role: "menuitem",
      textContent: entry.words,
      onclick: () => {
        menu?.remove();
        executeCallback(() => entry.action(element));
      },
    });
  }

  function open(/** @type {MouseEvent} */ event) {
    menu?.remove();
    const { target } = event;
    if (!(target instanceof Element)) return;
    const meant = entries.filter(({ selector }) => target.closest(atelierHost.translate(selector)));
    if (!meant.length) return;
    const items = meant.map((entry) => drawEntry(entry, target));
    event.preventDefault();
    // Generate has a menu of the page's own.
    const pageMenu = document.querySelector(".context-menu.open");
    if (pageMenu && target.closest("#txt2img_generate, #img2img_generate, #txt2img_interrupt, #img2img_interrupt")) return pageMenu.append(...items);
    menu = atelierHost.make("div", { id: "context-menu", className: "context-menu open", role: "menu" }, ...items);
    Object.assign(menu?.style ?? {}, { left: `${event.clientX}px`, top: `${event.clientY}px` });
    document.body.append(menu ?? "");
  }

  atelierHost.addEntry = (/** @type {string} */ selector, /** @type {string} */ words, /** @type {() => unknown} */ action) => {
    const id = `${selector}_${words}_${crypto.randomUUID()}`;
    entries.push({ id, selector, words, action });
    return id;
  };
  atelierHost.removeEntry = (/** @type {string} */ id) => {
    const at = entries.findIndex((entry) => entry.id === id);
    if (at >= 0) entries.splice(at, 1);
  };
  atelierHost.listenForMenus = () => {
    if (listens) return;
    listens = true;
    document.addEventListener("contextmenu", open);
    document.addEventListener("click", ({ isTrusted }) => isTrusted && menu?.remove());
  };
})();

/** Adds an entry to the menu of elements; gives its id. */
function appendContextMenuOption(/** @type {string} */ selector, /** @type {string} */ words, /** @type {() => unknown} */ action) {
  atelierHost.listenForMenus();
  return atelierHost.addEntry(selector, words, action);
}

function removeContextMenuOption(/** @type {string} */ id) {
  atelierHost.removeEntry(id);
}

function addContextMenuEventListener() {
  atelierHost.listenForMenus();
}

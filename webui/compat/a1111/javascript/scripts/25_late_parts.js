// Tabs of extensions that are drawn after the rest of the page: when the artist does nothing for a moment, or opens one.
// Functions that an extension wants called once the page is there wait for the tabs of the same extension. Those that it
// wants called before, when the document is read, look for what is drawn from then on: they are called as drawing begins.

(() => {
  const QUIET_MS = 1200;
  const LOOK_MS = 200;
  const SETTLED_MS = 300;
  const MOST_WAITED_MS = 30_000;
  const INPUTS = ["keydown", "pointerdown", "wheel", "input"];
  const DOCUMENT_READ = ["DOMContentLoaded", "load"];

  /** @typedef {{tab: string, button: string, owner: string, ids: string[], isDrawn?: boolean, drawing?: Promise<void>}} LatePart */
  /** @type {LatePart[]} */
  const parts = window.gradio_config?.late_parts ?? [];
  /** @type {{owner: string, callback: Function}[]} */
  const held = [];
  /** @type {{owner: string, callback: () => void}[]} */
  const beforehand = [];
  let lastInput = -Infinity;
  for (const name of INPUTS) addEventListener(name, () => (lastInput = performance.now()), { capture: true, passive: true });

  const pause = (/** @type {number} */ milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

  /** The folder of the extension whose script calls, or "". */
  atelierHost.nameCaller = () =>
    decodeURIComponent(/\/file=extensions(?:-builtin)?\/([^/\s]+)\//.exec(new Error().stack ?? "")?.[1] ?? "");

  /**
   * Keeps a function for later where tabs of its extension are not there yet.
   * @param {string} owner
   * @param {Function} callback
   */
  atelierHost.holdBack = (owner, callback) => {
    const isEarly = parts.some((part) => part.owner === owner && !part.isDrawn);
    if (isEarly) held.push({ owner, callback });
    return isEarly;
  };

  /** Calls the functions whose tabs are all there now. */
  function release() {
    for (const each of held.splice(0)) {
      if (!atelierHost.holdBack(each.owner, each.callback)) executeCallback(each.callback);
    }
  }

  /** Calls the functions of an extension that are to be there when its tab is drawn. */
  function announce(/** @type {string} */ owner) {
    const waiting = beforehand.splice(0);
    beforehand.push(...waiting.filter((each) => each.owner !== owner));
    for (const each of waiting) if (each.owner === owner) executeCallback(each.callback);
  }

  for (const target of [document, window]) {
    const listen = target.addEventListener;
    target.addEventListener = function (/** @type {string} */ type, /** @type {any} */ listener, /** @type {any} */ options) {
      const owner = DOCUMENT_READ.includes(type) && typeof listener === "function" ? atelierHost.nameCaller() : "";
      if (!owner) return listen.call(target, type, listener, options);
      const later = (/** @type {Event} */ event) => {
        const callback = () => listener.call(target, event);
        if (parts.some((part) => part.owner === owner && !part.drawing)) beforehand.push({ owner, callback });
        else callback();
      };
      listen.call(target, type, later, options);
    };
  }

  /**
   * Draws a part, once; resolves when it is there.
   * @param {LatePart} part
   */
  function draw(part) {
    part.drawing ??= (async () => {
      const panel = document.getElementById(part.tab);
      const note = atelierHost.make("p", { className: "late-note", role: "status", textContent: "Loading this tab …" });
      // Canvases that are built while they are seen lose what is put into them meanwhile.
      panel?.classList.add("late-drawing");
      panel?.append(note);
      const begun = panel?.childElementCount ?? 0;
      announce(part.owner);
      document.getElementById(part.button)?.click();
      let missing = part.ids;
      for (const since = performance.now(); performance.now() - since < MOST_WAITED_MS; ) {
        await pause(LOOK_MS);
        missing = missing.filter((id) => !document.getElementById(id));
        if (!missing.length && (panel?.childElementCount ?? 0) > begun) break;
      }
      await pause(SETTLED_MS);
      if ((panel?.childElementCount ?? 0) > begun) note.remove();
      else note.textContent = "This tab did not load. Reload the page to try again.";
      panel?.classList.remove("late-drawing");
      part.isDrawn = true;
      release();
    })();
    return part.drawing;
  }

  /** Waits for a moment in which the artist does nothing, and the browser has nothing else to do. */
  async function idle() {
    do {
      await new Promise((resolve) => requestIdleCallback(resolve, { timeout: QUIET_MS }));
      if (performance.now() - lastInput < QUIET_MS) await pause(QUIET_MS);
    } while (performance.now() - lastInput < QUIET_MS);
  }

  /** Draws all parts, one after another. */
  atelierHost.drawParts = async () => {
    for (const part of parts) {
      if (!part.drawing) await idle();
      await draw(part);
    }
  };

  onUiTabChange(() => {
    const open = parts.find((part) => part.tab === get_uiCurrentTabContent()?.id);
    if (open) void draw(open);
  });
})();

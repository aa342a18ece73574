// When extensions' functions are called: once the page is there, at each change of it, at a change of the tab. What one
// function throws is told in the console, and the others are called.

/** @type {Function[]} */
var uiUpdateCallbacks = [];
/** @type {Function[]} */
var uiAfterUpdateCallbacks = [];
/** @type {Function[]} */
var uiLoadedCallbacks = [];
/** @type {Function[]} */
var uiTabChangeCallbacks = [];
/** @type {Function[]} */
var optionsChangedCallbacks = [];
/** @type {Function[]} */
var optionsAvailableCallbacks = [];
/** @type {number | undefined} */
var uiAfterUpdateTimeout;
/** @type {HTMLElement | null} */
var uiCurrentTab = null;

Object.assign(atelierHost, { isLoaded: false, failures: 0, owners: new WeakMap() });

/**
 * Calls a function of an extension; what it throws goes no further.
 * @param {Function} callback
 * @param {unknown} [told]
 */
function executeCallback(callback, told) {
  const report = (/** @type {unknown} */ error) => {
    atelierHost.failures = (atelierHost.failures ?? 0) + 1;
    console.error("A function of an extension failed:", callback, error);
    atelierHost.reportFailure?.(error);
  };
  try {
    const result = callback(told);
    if (result instanceof Promise) result.catch(report);
  } catch (error) {
    report(error);
  }
}

/**
 * Calls all functions of a list.
 * @param {Function[]} queue
 * @param {unknown} [told]
 */
function executeCallbacks(queue, told) {
  for (const callback of [...queue]) executeCallback(callback, told);
}

/** Calls back after each change of the page, with the changes. */
function onUiUpdate(/** @type {Function} */ callback) {
  uiUpdateCallbacks.push(callback);
}

/** Calls back a moment after the last of several changes of the page. */
function onAfterUiUpdate(/** @type {Function} */ callback) {
  uiAfterUpdateCallbacks.push(callback);
}

/** Calls back once, when the page and the extension's own tabs are there; at once where they are already. */
function onUiLoaded(/** @type {Function} */ callback) {
  uiLoadedCallbacks.push(callback);
  const owner = atelierHost.nameCaller();
  atelierHost.owners.set(callback, owner);
  if (atelierHost.isLoaded && !atelierHost.holdBack(owner, callback)) executeCallback(callback);
}

/** Calls back when another of the top-level tabs is shown. */
function onUiTabChange(/** @type {Function} */ callback) {
  uiTabChangeCallbacks.push(callback);
}

/** Calls back when settings were changed. */
function onOptionsChanged(/** @type {Function} */ callback) {
  optionsChangedCallbacks.push(callback);
}

/** Calls back once there are settings. */
function onOptionsAvailable(/** @type {Function} */ callback) {
  if (Object.keys(opts).length) executeCallback(callback);
  else optionsAvailableCallbacks.push(callback);
}

/**
 * Calls the script of an event, a function or what gives one, with the event's values. One that cannot be read is told of
 * and passed over: the values go on as they are, as in Gradio 3. With `files` its pictures and files are Gradio 3's; those
 * at these places are files, whatever lies in them.
 */
atelierHost.runScript = (
  /** @type {string} */ script, /** @type {any[]} */ given, /** @type {number[] | null} */ files = null,
) => {
  let read;
  try {
    read = new Function(`return (${script})`);
  } catch (error) {
    console.error("Could not parse custom js method:", script, error);
    return given;
  }
  const hasFiles = files !== null && given.some((value) => [value].flat().some(atelierHost.isFile));
  return hasFiles ? atelierHost.runWithFiles(read(), given, files) : read()(...given);
};

/** Whether a value of an event is a file as Gradio 6 tells of one. */
atelierHost.isFile = (/** @type {any} */ value) =>
  typeof value?.path === "string" && (value.meta?._type === "gradio.FileData" || "orig_name" in value);

/** Whether it is a picture. */
atelierHost.isPicture = (/** @type {any} */ value) =>
  value?.meta?._type === "gradio.FileData" && Boolean(value.url) && /^image\//.test(value.mime_type ?? "image/");

/** A file by the names of Gradio 6 and of Gradio 3; these are not sent on with it. */
atelierHost.nameAsBefore = (/** @type {any} */ file) => Object.defineProperties({ ...file }, {
  name: { value: file.path },
  data: { value: file.url },
  is_file: { value: true },
});

/**
 * Calls the script of an event with pictures as texts with their data and files by their old names, as in Gradio 3. Those
 * that it gives on as they are go on as they came.
 */
atelierHost.runWithFiles = async (
  /** @type {Function} */ script, /** @type {any[]} */ given, /** @type {number[]} */ files,
) => {
  const known = new Map();
  const tell = async (/** @type {any} */ value, /** @type {number} */ place) => {
    const isNamed = Array.isArray(value) && value.some(atelierHost.isFile);
    let told = value;
    if (!files.includes(place) && atelierHost.isPicture(value)) told = await atelierHost.readAsText(value.url);
    else if (isNamed) told = value.map((/** @type {any} */ each) => atelierHost.isFile(each) ? atelierHost.nameAsBefore(each) : each);
    else if (atelierHost.isFile(value)) told = atelierHost.nameAsBefore(value);
    if (told !== value) known.set(told, value);
    return told;
  };
  const answer = await script(...await Promise.all(given.map(tell)));
  const back = (/** @type {any} */ value) => known.get(value) ?? value;
  return Array.isArray(answer) && !known.has(answer) ? answer.map(back) : back(answer);
};

/** What lies at an address, as a text with its kind and data. */
atelierHost.readAsText = async (/** @type {string} */ address) => {
  const data = await (await fetch(address)).blob();
  return /** @type {Promise<string>} */ (new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(data);
  }));
};

function scheduleAfterUiUpdateCallbacks() {
  clearTimeout(uiAfterUpdateTimeout);
  uiAfterUpdateTimeout = setTimeout(() => executeCallbacks(uiAfterUpdateCallbacks), 200);
}

/** The button of the top-level tab that is shown, or null. */
function get_uiCurrentTab() {
  // Asked at each change of the page: by its parts, which the browser finds faster.
  return /** @type {HTMLElement | null} */ (document.getElementById("tabs")?.querySelector(":scope > .tab-nav > button.selected") ?? null);
}

/** What the top-level tab that is shown contains, or null. */
function get_uiCurrentTabContent() {
  const id = get_uiCurrentTab()?.dataset.tab;
  return id ? gradioApp().getElementById(id) : null;
}

/** Whether an element takes up space on the page. */
function uiElementIsVisible(/** @type {any} */ element) {
  return element === document || (element instanceof Element && element.getClientRects().length > 0);
}

/** Whether an element is within the window. */
function uiElementInSight(/** @type {Element} */ element) {
  const { top, bottom } = element.getBoundingClientRect();
  return bottom > 0 && top < innerHeight;
}

(() => {
  // All of these are there when a script may look for what it likes.
  const NEEDED = ["#txt2img_prompt textarea", "#tabs > .tab-nav > button.selected", "#txt2img_extra_tabs", "#img2img_extra_tabs", "#txt2img_res_switch_btn", "#img2img_res_switch_btn"];

  // Settings and the tabs behind the first are drawn a while after the rest; extensions look for their own. What is not
  // there by then is not awaited.
  const MOST_WAITED_MS = 10_000;
  let waitedSince = 0;

  function hasSettings() {
    const links = [...document.querySelectorAll("#settings_sections nav a")];
    const names = links.map((link) => link.getAttribute("href")?.slice(1) ?? "");
    if (names.length && names.every((name) => document.getElementById(name))) return true;
    window.webui?.drawSections?.();
    return false;
  }

  /** @type {string[] | null} */
  let awaitedIds = null;

  /** The ids of components that are drawn without an artist's doing: what lies in a closed accordion comes with a click. */
  function listAwaitedIds() {
    const { components = [], layout } = window.gradio_config ?? {};
    const described = new Map(components.map((/** @type {any} */ each) => [each.id, each]));
    const ids = /** @type {string[]} */ ([]);
    const visit = (/** @type {any} */ node) => {
      const { type, props } = described.get(node.id) ?? {};
      if (type === "accordion" && props.open === false) return;
      if (type !== "state" && props?.elem_id && props.visible !== false) ids.push(props.elem_id);
      for (const child of node.children ?? []) visit(child);
    };
    if (layout) visit(layout);
    return ids;
  }

  function isDrawn() {
    awaitedIds = (awaitedIds ?? listAwaitedIds()).filter((id) => !document.getElementById(id));
    return awaitedIds.length === 0;
  }

  function hasWaited() {
    if (!waitedSince) {
      waitedSince = performance.now();
      setTimeout(() => follow([]), MOST_WAITED_MS);
    }
    return performance.now() - waitedSince >= MOST_WAITED_MS;
  }

  function isReady() {
    const settings = /** @type {HTMLTextAreaElement | null} */ (document.querySelector("#settings_json textarea"));
    const has = Boolean(settings?.value) && atelierHost.cardPages && NEEDED.every((selector) => document.querySelector(selector));
    return has && ((hasSettings() && isDrawn()) || hasWaited());
  }

  // Gradio 3 shows all of a page at once. A frame in what an extension shows is there, and begins to load, when the rest
  // is: what waits for it, or hears that it has loaded, looks for the rest.
  /** @type {Map<Comment, HTMLIFrameElement>} */
  const frames = new Map();

  function keepFrames(/** @type {MutationRecord[]} */ changes) {
    const added = changes.flatMap(({ addedNodes }) => [...addedNodes]).filter((node) => node instanceof Element);
    const found = added.flatMap((node) => (node instanceof HTMLIFrameElement ? [node] : [...node.querySelectorAll("iframe")]));
    for (const frame of found) {
      if (!frame.closest(".gradio-html") || !frame.isConnected) continue;
      const place = document.createComment(" a frame ");
      frames.set(place, frame);
      frame.replaceWith(place);
    }
  }

  // Made before any of an extension's, it is told first.
  const frameKeeper = new MutationObserver(keepFrames);
  frameKeeper.observe(document, { childList: true, subtree: true });

  function putFramesBack() {
    frameKeeper.disconnect();
    for (const [place, frame] of frames) place.replaceWith(frame);
    frames.clear();
  }

  function begin() {
    const strip = document.querySelector("#tabs > .tab-nav");
    // A choice of a tab changes classes, no elements.
    if (strip) new MutationObserver(followTabs).observe(strip, { subtree: true, attributeFilter: ["class"] });
    atelierHost.isLoaded = true;
    for (const prepare of atelierHost.preparations) executeCallback(prepare);
    putFramesBack();
    const now = uiLoadedCallbacks.filter((callback) => !atelierHost.holdBack(atelierHost.owners.get(callback) ?? "", callback));
    executeCallbacks(now);
    void atelierHost.drawParts().then(() => (document.documentElement.dataset.extensions = "ready"));
  }

  function follow(/** @type {MutationRecord[]} */ changes) {
    if (!atelierHost.isLoaded) {
      if (!isReady()) return;
      begin();
    }
    executeCallbacks(uiUpdateCallbacks, changes);
    scheduleAfterUiUpdateCallbacks();
    followTabs();
  }

  function followTabs() {
    const tab = get_uiCurrentTab();
    if (!tab || tab === uiCurrentTab) return;
    uiCurrentTab = tab;
    executeCallbacks(uiTabChangeCallbacks);
  }

  document.addEventListener("DOMContentLoaded", () => {
    // A1111 has styles of extensions at the page's end: what they say of colours counts more than Gradio's theme.
    document.body.append(...document.querySelectorAll("head > link[rel=stylesheet][href^='file=']"));
    const observer = new MutationObserver(follow);
    observer.observe(document.body, { childList: true, subtree: true });
    // What is awaited may come without a change of the page.
    atelierHost.look = () => atelierHost.isLoaded || follow([]);
    follow([]);
  });
})();

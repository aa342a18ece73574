// Jobs of extensions' own tabs: their ids, where they stand, and the buttons meanwhile.

(() => {
  const PAGE_TABS = ["txt2img", "img2img"];
  // Where the settings say nothing, as often as this is the server asked, in milliseconds.
  const USUAL_PERIOD_MS = 500;

  /** Shows or hides a button; those of the page's own tabs as the page wants them, once they need not be shown. */
  atelierHost.showButton = (/** @type {string} */ tab, /** @type {string} */ id, /** @type {boolean} */ shown) => {
    const button = gradioApp().getElementById(id);
    if (button) button.style.display = shown ? "block" : PAGE_TABS.includes(tab) ? "" : "none";
  };

  atelierHost.periodMs = () => Number(opts.live_preview_refresh_period) || USUAL_PERIOD_MS;
})();

/** An id for a job. */
function randomId() {
  const letters = crypto.randomUUID().replaceAll("-", "").slice(0, 15);
  return `task(${letters})`;
}

/**
 * Asks a route with JSON; what answers is called back with the answer, or without one.
 * @param {string} url
 * @param {unknown} data
 * @param {(answer: any) => void} handler
 * @param {() => void} errorHandler
 */
function request(url, data, handler, errorHandler) {
  const asked = fetch(url, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(data) });
  void asked.then(async (response) => {
    if (!response.ok) throw new Error(`The server answered ${response.status}.`);
    return response.json();
  }).then(handler, () => errorHandler?.());
}

/** Seconds as a clock shows them. */
function pad2(/** @type {number} */ number) {
  return String(number).padStart(2, "0");
}

function formatTime(/** @type {number} */ seconds) {
  const whole = Math.floor(seconds);
  if (whole > 3600) return `${pad2(Math.floor(whole / 3600))}:${pad2(Math.floor(whole / 60) % 60)}:${pad2(whole % 60)}`;
  if (whole > 60) return `${pad2(Math.floor(whole / 60))}:${pad2(whole % 60)}`;
  return `${whole}s`;
}

/**
 * Follows a job: a bar in `progressbarContainer`, live previews in `gallery`. `atEnd` is called when it ended or nothing
 * came of it within `inactivityTimeout` seconds; `onProgress` with each answer.
 * @param {string} id_task
 * @param {HTMLElement | null} progressbarContainer
 * @param {HTMLElement | null} gallery
 * @param {() => void} atEnd
 * @param {((answer: any) => void) | null} [onProgress]
 * @param {number} [inactivityTimeout]
 */
function requestProgress(id_task, progressbarContainer, gallery, atEnd, onProgress, inactivityTimeout = 40) {
  const { make, address } = atelierHost;
  const bar = make("div", { className: "progress" });
  const line = make("div", { className: "progressDiv" }, bar);
  const before = progressbarContainer?.parentNode ?? null;
  before?.insertBefore(line, progressbarContainer);
  /** @type {HTMLElement | null} */
  let preview = null;
  let previewNumber = -1;
  const began = Date.now();
  let wasActive = false;

  const finish = () => {
    line.remove();
    preview?.remove();
    atEnd?.();
  };
  const showPreview = (/** @type {any} */ answer) => {
    if (!answer.live_preview || !gallery) return;
    preview ??= gallery.insertBefore(make("div", { className: "livePreview" }), gallery.firstChild);
    preview?.replaceChildren(make("img", { src: answer.live_preview, alt: "" }));
    previewNumber = answer.id_live_preview;
  };
  const show = (/** @type {any} */ answer) => {
    const share = answer.progress ?? 0;
    line.style.display = opts.show_progressbar === false ? "none" : "";
    bar.style.width = `${share * 100}%`;
    const left = answer.eta ? ` ETA: ${formatTime(answer.eta)}` : "";
    bar.textContent = share > 0 ? `${Math.round(share * 100)}%${left}` : (answer.textinfo ?? "");
    showPreview(answer);
  };
  const step = (/** @type {any} */ answer) => {
    const waited = (Date.now() - began) / 1000;
    if (answer.completed) return finish();
    if (wasActive && !answer.active && !answer.queued) return finish();
    if (!wasActive && !answer.active && !answer.queued && waited > inactivityTimeout) return finish();
    wasActive = wasActive || Boolean(answer.active);
    show(answer);
    if (onProgress) executeCallback(onProgress, answer);
    setTimeout(ask, atelierHost.periodMs());
  };
  const ask = () =>
    request(address("internal/progress"), { id_task, id_live_preview: previewNumber, live_preview: true }, step, finish);
  ask();
}

function showSubmitButtons(/** @type {string} */ tab, /** @type {boolean} */ show) {
  for (const name of ["interrupt", "skip"]) atelierHost.showButton(tab, `${tab}_${name}`, !show);
  atelierHost.showButton(tab, `${tab}_interrupting`, false);
}

function showSubmitInterruptingPlaceholder(/** @type {string} */ tab) {
  atelierHost.showButton(tab, `${tab}_interrupt`, false);
  atelierHost.showButton(tab, `${tab}_interrupting`, true);
}

function showRestoreProgressButton(/** @type {string} */ tab, /** @type {boolean} */ show) {
  const button = gradioApp().getElementById(`${tab}_restore_progress`);
  if (button) button.style.display = show ? "flex" : "none";
}

/** What an event of Generate sends: its inputs. Galleries stand behind them; the server needs them not. */
function create_submit_args(/** @type {Iterable<any>} */ args) {
  const given = args_to_array(args);
  const place = given.length - 4;
  if (Array.isArray(given[place])) given[place] = null;
  return given;
}

(() => {
  /** The arguments of a new job of a tab, with its id as the first; the page follows it. */
  atelierHost.begin = (/** @type {string} */ tab, /** @type {Iterable<any>} */ args) => {
    showSubmitButtons(tab, false);
    const id = randomId();
    localSet(`${tab}_task_id`, id);
    const done = () => {
      showSubmitButtons(tab, true);
      localRemove(`${tab}_task_id`);
      showRestoreProgressButton(tab, false);
    };
    const [container, gallery] = ["gallery_container", "gallery"].map((name) => gradioApp().getElementById(`${tab}_${name}`));
    requestProgress(id, container, gallery, done);
    const given = create_submit_args(args);
    given[0] = id;
    return given;
  };
})();

function submit(/** @type {any[]} */ ...args) {
  return atelierHost.begin("txt2img", args);
}

function submit_txt2img_upscale(/** @type {any[]} */ ...args) {
  const given = submit(...args);
  given[2] = selected_gallery_index();
  return given;
}

function submit_img2img(/** @type {any[]} */ ...args) {
  const given = atelierHost.begin("img2img", args);
  given[1] = get_tab_index("mode_img2img");
  return given;
}

function submit_extras(/** @type {any[]} */ ...args) {
  return atelierHost.begin("extras", args);
}

function restoreProgress(/** @type {string} */ tab) {
  gradioApp().getElementById(`${tab}_restore_progress`)?.click();
  return localGet(`${tab}_task_id`, null);
}

function restoreProgressTxt2img() {
  return restoreProgress("txt2img");
}

function restoreProgressImg2img() {
  return restoreProgress("img2img");
}

/** Waits until the server answers again, and loads the page anew. */
function restart_reload() {
  document.body.style.backgroundColor = "var(--background-fill-primary)";
  document.body.innerHTML = "<h1 style='font-family: sans-serif; margin-top: 20%; text-align: center;'>Reloading …</h1>";
  const ask = () => void fetch(atelierHost.address("internal/ping")).then(
    (response) => (response.ok ? location.reload() : setTimeout(ask, 1000)),
    () => setTimeout(ask, 1000),
  );
  setTimeout(ask, 2000);
  return [];
}

function requestGet(/** @type {string} */ url, /** @type {Record<string, string>} */ data, /** @type {(answer: any) => void} */ handler, /** @type {() => void} */ errorHandler) {
  const query = new URLSearchParams(data);
  void fetch(`${url}?${query}`).then(async (response) => {
    if (!response.ok) throw new Error(`The server answered ${response.status}.`);
    return response.json();
  }).then(handler, () => errorHandler?.());
}

/** What this browser keeps under a key, else `fallback`. */
function localGet(/** @type {string} */ key, /** @type {any} */ fallback) {
  try {
    return localStorage.getItem(key) ?? fallback;
  } catch {
    return fallback;
  }
}

function localSet(/** @type {string} */ key, /** @type {any} */ value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    console.warn(`This browser keeps nothing, so ${key} is forgotten.`);
  }
}

function localRemove(/** @type {string} */ key) {
  try {
    localStorage.removeItem(key);
  } catch {
    console.warn(`This browser keeps nothing, so there is no ${key} to forget.`);
  }
}

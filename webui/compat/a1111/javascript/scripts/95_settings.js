// Settings' small functions, and what goes wrong in extensions' scripts: told to the server, whose page of health shows it.

/** Puts a style on the page under a key, or takes it off. */
function toggleCss(/** @type {string} */ key, /** @type {string} */ css, /** @type {boolean} */ enable) {
  const known = document.getElementById(key);
  if (!enable) return known?.remove();
  if (known) known.textContent = css;
  else document.head.append(atelierHost.make("style", { id: key, textContent: css }));
}

function settingsHintsShowQuicksettings() {
  requestGet(atelierHost.address("internal/quicksettings-hint"), {}, (hints) => {
    const lines = hints.map((/** @type {any} */ { name, label }) => `${name}: ${label}`).join("\n");
    popup(atelierHost.make("pre", { textContent: lines }));
  }, () => {});
}

function settingsShowAllTabs() {
  window.webui.showTab("settings");
}

function settingsShowOneTab() {
  window.webui.showTab("settings");
}

(() => {
  // Of one page; what fails at each change of the page would tell of nothing else.
  const MOST_REPORTS = 20;
  let told = 0;

  /** @param {unknown} error */
  function report(error) {
    const stack = error instanceof Error ? (error.stack ?? "") : "";
    if (told >= MOST_REPORTS || !stack.includes("/file=")) return;
    told += 1;
    const words = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    const body = JSON.stringify({ error: words.slice(0, 500), stack: stack.slice(0, 4000) });
    void fetch(atelierHost.address("v1/a1111/failures"), { method: "POST", body, headers: { "Content-Type": "application/json" } }).catch(() => {});
  }

  atelierHost.reportFailure = report;
  addEventListener("error", ({ error, message, filename, lineno }) => {
    if (filename?.includes("/file=")) report(Object.assign(new Error(message), { name: error?.name ?? "Error", stack: `${error?.stack ?? message} at ${filename}:${lineno}` }));
  });
  addEventListener("unhandledrejection", ({ reason }) => report(reason));
})();

// Settings as extensions read them: `opts`, of all of the server's and the extensions' own, by their keys. It is empty
// until the page is there: extensions wait for it and then look for what they need on the page.

/** @type {Record<string, any>} */
var opts = window.opts ?? {};

(() => {
  const given = opts;
  opts = {};

  /** Asks the server for all settings; where it does not answer, the page's own hold. */
  async function ask(/** @type {string} */ shown) {
    try {
      const response = await fetch(atelierHost.address("v1/a1111/options"));
      if (response.ok) return response.json();
    } catch {
      // What the page knows is newer than nothing.
    }
    return { ...given, ...opts, ...JSON.parse(shown || "{}") };
  }

  async function take(/** @type {string} */ shown) {
    const wereThere = Object.keys(opts).length > 0;
    const answer = await ask(shown);
    const before = JSON.stringify(opts);
    opts = answer;
    if (before === JSON.stringify(answer)) return;
    if (!wereThere) executeCallbacks(optionsAvailableCallbacks.splice(0));
    executeCallbacks(optionsChangedCallbacks);
  }

  /** Whoever writes into the hidden box with the settings, Gradio or a script, has them read again. */
  function watch() {
    const box = document.querySelector("#settings_json textarea");
    const own = Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value");
    if (!(box instanceof HTMLTextAreaElement) || !own?.set || !own.get) return;
    const { get, set } = own;
    Object.defineProperty(box, "value", {
      configurable: true,
      get: () => get.call(box),
      set: (value) => {
        const before = get.call(box);
        set.call(box, value);
        if (value !== before) void take(value);
      },
    });
  }

  atelierHost.preparations.push(watch, () => {
    if (!Object.keys(given).length) return void take("");
    opts = given;
    executeCallbacks(optionsAvailableCallbacks.splice(0));
    // As A1111 tells of the first settings too, once what waited for the page has run.
    setTimeout(() => executeCallbacks(optionsChangedCallbacks));
  });
})();

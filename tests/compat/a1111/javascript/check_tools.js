// What the checks of global_checks.js share. Put into the page before them.
var checkTools = {
  $: (selector) => gradioApp().querySelector(selector),
  make: (...given) => atelierHost.make(...given),
  type(box, text) {
    box.value = text;
    updateInput(box);
  },
  /** Whether `begin` brings it about that what it is given is called. */
  called: (begin) => new Promise((resolve) => {
    setTimeout(() => resolve("nothing was called"), 60000);
    Promise.resolve(begin(() => resolve(true), () => resolve("it failed"))).catch((error) => resolve(String(error)));
  }),
  until: async (holds) => {
    const ends = performance.now() + 60000;
    while (performance.now() < ends) {
      if (holds()) return true;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return "it never came about";
  },
  /** Whether an element is clicked; nothing comes of the click. */
  clicked(selector, act) {
    let count = 0;
    const element = gradioApp().querySelector(selector);
    const note = (event) => {
      count += 1;
      event.stopImmediatePropagation();
      event.preventDefault();
    };
    element.addEventListener("click", note, { capture: true });
    // Others on the way to the element would act first.
    window.addEventListener("click", note, { capture: true, once: true });
    act();
    element.removeEventListener("click", note, { capture: true });
    window.removeEventListener("click", note, { capture: true });
    return count > 0 || `${selector} was not clicked`;
  },
  counts(act) {
    document.getElementById("checks_counter")?.remove();
    return checkTools.called((done) => {
      document.body.append(atelierHost.make("button", { id: "checks_counter", hidden: true, onclick: done }));
      act(done);
    });
  },
  shows: (id, returned, first) => (get_uiCurrentTabContent().id === id && (first === undefined || returned[0] === first)) || get_uiCurrentTabContent().id,
  showsMode(number, act) {
    act();
    return checkTools.until(() => get_uiCurrentTabContent().id === "tab_img2img" && get_tab_index("mode_img2img") === number);
  },
  open: () => document.querySelector("#lightboxModal").classList.contains("open") || "the large view closed",
  begins(act, tab) {
    const { requestProgress } = window;
    let followed = "";
    window.requestProgress = (id, container, gallery, atEnd) => {
      followed = id;
      atEnd();
    };
    const given = act("x", "y", "z");
    window.requestProgress = requestProgress;
    return (given[0] === followed && /^task\(/.test(followed)) || [given[0], followed, tab];
  },
  withWords(words, act) {
    const before = window.localization;
    window.localization = words;
    try {
      return act();
    } finally {
      window.localization = before;
    }
  },
  openMenu(selector) {
    gradioApp().querySelector(selector).dispatchEvent(new MouseEvent("contextmenu", { bubbles: true, cancelable: true }));
  },
  asks(path, act) {
    const { fetch } = window;
    return checkTools.called((done) => {
      window.fetch = (...given) => {
        if (String(given[0]).includes(path)) done();
        return fetch(...given);
      };
      act();
    }).finally(() => (window.fetch = fetch));
  },
  async setOption(key, value) {
    const headers = { "Content-Type": "application/json" };
    await fetch("sdapi/v1/options", { method: "POST", headers, body: JSON.stringify({ [key]: value }) });
  },
  /** As the page does when settings were applied. */
  tellSettings() {
    const box = document.querySelector("#settings_json textarea");
    box.value = JSON.stringify({ ...JSON.parse(box.value), checked: performance.now() });
  },
};

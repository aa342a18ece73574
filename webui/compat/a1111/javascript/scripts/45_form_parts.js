// Parts of the form that scripts of A1111 press, read or take away: heads of accordions with a tick, lists that drop down,
// the handle between the columns.

(() => {
  /** Whether one is open stands in its classes, as there. */
  function showTick(/** @type {Element} */ head) {
    const tick = head.querySelector(".accordion-tick input");
    if (!(tick instanceof HTMLInputElement)) return;
    head.classList.toggle("open", tick.checked);
    head.parentElement?.classList.toggle("input-accordion-open", tick.checked);
  }

  const showAll = () => document.querySelectorAll(".input-accordion > .accordion-head").forEach(showTick);
  onUiLoaded(showAll);
  onAfterUiUpdate(showAll);
  document.addEventListener("change", ({ target }) => {
    const head = target instanceof Element && target.closest(".accordion-head");
    if (head) showTick(head);
  });

  // A press of a script on the head itself; an artist presses the tick.
  document.addEventListener("click", ({ target, isTrusted }) => {
    const isHead = !isTrusted && target instanceof HTMLElement && target.matches(".input-accordion > .accordion-head");
    const tick = isHead && target.querySelector(".accordion-tick input");
    // The head itself is pressed already.
    if (tick) tick.dispatchEvent(new MouseEvent("click", { cancelable: true }));
  });

  // Gradio 3 opened a list for any event of that name; now it opens for the field that has the focus.
  for (const type of /** @type {const} */ (["focus", "blur"])) {
    document.addEventListener(
      type,
      ({ target, isTrusted }) => {
        if (!isTrusted && target instanceof HTMLInputElement && target.closest(".gradio-dropdown")) target[type]();
      },
      true,
    );
  }
})();

// A1111 has a handle between form and results, which scripts take away or look for. Here there is nothing to pull.
atelierHost.preparations.push(() => {
  for (const tab of ["txt2img", "img2img"]) {
    const form = document.getElementById(`${tab}_settings`);
    const row = form?.parentElement;
    if (!form || !row || row.querySelector(".resize-handle")) continue;
    const handle = document.createElement("div");
    handle.className = "resize-handle";
    handle.hidden = true;
    form.after(handle);
    row.classList.add("resize-handle-row");
  }
});

// Copies of the page's small buttons, which show a picture by their class: one that is given another sign shows that.

(() => {
  const SMALL = "button.tool[class*='icon-']";
  const { cloneNode } = Node.prototype;

  /** Takes the picture of ours off a button. */
  function showOwn(/** @type {Element} */ button) {
    button.classList.remove(...[...button.classList].filter((name) => name.startsWith("icon-")));
  }

  /** Takes it off once something else is written on it. */
  function watch(/** @type {Element} */ button) {
    const before = button.textContent;
    const observer = new MutationObserver(() => {
      if (button.textContent === before && !button.firstElementChild) return;
      observer.disconnect();
      showOwn(button);
    });
    observer.observe(button, { childList: true, characterData: true, subtree: true });
  }

  /** What scripts make with the classes of a small button, and write a sign or a field on, has no picture of ours. */
  onAfterUiUpdate(() => {
    for (const button of document.querySelectorAll(SMALL)) {
      const isSign = Boolean(button.textContent?.trim()) && !/[\p{L}\p{N}]/u.test(button.textContent ?? "");
      if (isSign || button.querySelector(":scope > :not(img, svg)")) showOwn(button);
    }
  });

  Node.prototype.cloneNode = function (/** @type {boolean} */ deep) {
    const copy = cloneNode.call(this, deep);
    // What the page itself makes of templates is no copy of something shown.
    if (this.isConnected && copy instanceof HTMLElement) {
      if (copy.matches(SMALL)) watch(copy);
      else copy.querySelectorAll(SMALL).forEach(watch);
    }
    return copy;
  };
})();

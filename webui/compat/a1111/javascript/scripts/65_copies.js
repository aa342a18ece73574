// Copies of the page's small buttons, which show a picture by their class: one that is given another sign shows that.

(() => {
  const SMALL = "button.tool[class*='icon-']";
  const { cloneNode } = Node.prototype;

  /** Takes a picture of ours off a button once something else is written on it. */
  function watch(/** @type {Element} */ button) {
    const before = button.textContent;
    const observer = new MutationObserver(() => {
      if (button.textContent === before && !button.firstElementChild) return;
      observer.disconnect();
      button.classList.remove(...[...button.classList].filter((name) => name.startsWith("icon-")));
    });
    observer.observe(button, { childList: true, characterData: true, subtree: true });
  }

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

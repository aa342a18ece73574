// Pages of cards that extensions add, beside those of the program's own kinds of models.

(() => {
  const { make } = atelierHost;
  const TABS = ["txt2img", "img2img"];

  async function askFor(/** @type {string} */ tab, /** @type {Record<string, string>} */ more = {}) {
    const response = await fetch(atelierHost.address(`v1/a1111/card-pages?${new URLSearchParams({ tab, ...more })}`));
    return response.ok ? response.json() : [];
  }

  /** Shows cards whose search terms have all words of the search field. */
  function filter(/** @type {HTMLElement} */ cards, /** @type {string} */ text) {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    for (const card of cards.querySelectorAll(".card")) {
      const terms = [card.getAttribute("data-name"), ...[...card.querySelectorAll(".search_terms")].map((each) => each.textContent)];
      const known = terms.join(" ").toLowerCase();
      card.classList.toggle("hidden", !words.every((word) => known.includes(word)));
    }
  }

  /** A page with a search field, a button to look again, and its cards, under A1111's ids. */
  function drawPage(/** @type {string} */ tab, /** @type {{name: string, title: string, html: string}} */ page) {
    const id = `${tab}_${page.name}`;
    const cards = make("div", { id: `${id}_cards`, className: "extra-network-cards" });
    cards.innerHTML = page.html;
    const search = make("input", { id: `${id}_extra_search`, type: "search", placeholder: `Search ${page.title}`, "aria-label": `Search ${page.title}`, className: "cards-search extra-network-control--search-text" });
    search.oninput = () => filter(cards, search.value);
    const refresh = make("button", { id: `${id}_extra_refresh`, type: "button", textContent: "Refresh", className: "cards-add extra-network-control--refresh" });
    refresh.onclick = async () => {
      refresh.disabled = true;
      const [fresh] = await askFor(tab, { page: page.name, again: "true" }).catch(() => []);
      refresh.disabled = false;
      if (!fresh) return;
      cards.innerHTML = fresh.html;
      filter(cards, search.value);
    };
    cards.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      const card = event.target;
      if (!["Enter", " "].includes(event.key) || !(card instanceof HTMLElement) || !card.matches(".card")) return;
      event.preventDefault();
      card.click();
    });
    const controls = make("div", { id: `${id}_controls`, className: "extra-network-control" }, search, refresh);
    const html = make("div", { id: `${id}_cards_html`, className: "html-container" }, cards);
    const pane = make("div", { id: `${id}_pane`, className: "extra-network-pane" }, controls, html);
    return make("div", { id, className: "cards-page a1111-cards" }, pane);
  }

  const asked = Promise.all(TABS.map((tab) => askFor(tab).catch(() => [])));
  // Scripts look for them as soon as the page is there.
  atelierHost.cardPages = null;
  void asked.then((found) => {
    atelierHost.cardPages = found;
    atelierHost.look?.();
  });
  atelierHost.preparations.push(() => {
    TABS.forEach((tab, place) => {
      for (const page of atelierHost.cardPages?.[place] ?? []) {
        window.webui.addCardPage?.(tab, page.name, page.title, { element: drawPage(tab, page) });
      }
    });
  });
})();

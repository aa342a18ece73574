// Cards of networks: writing them into prompts, what is known of them, and which checkpoint is used.

/**
 * Writes a network into the tab's prompt, or takes it out.
 * @param {string} tab
 * @param {string} text
 * @param {string} [negative_text] goes into the negative prompt
 * @param {boolean} [allow_negative] whether the text goes into the negative prompt where that was used last
 */
function cardClicked(tab, text, negative_text = "", allow_negative = false) {
  const [prompt, negative] = ["prompt", "neg_prompt"].map((name) => gradioApp().querySelector(`#${tab}_${name} textarea`));
  const last = activePromptTextarea[tab];
  if (negative_text) {
    atelierHost.toggleText(negative, negative_text);
    atelierHost.toggleText(prompt, text);
  } else atelierHost.toggleText(allow_negative && last === negative ? negative : prompt, text);
}

(() => {
  /** A network's text whatever weight stands in it. */
  function patternOf(/** @type {string} */ text) {
    const escape = (/** @type {string} */ words) => words.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    const tag = /^\s*<(\w+):([^:>]+)(?::[^>]*)?>/.exec(text);
    return new RegExp(tag ? `\\s*<${tag[1]}:${escape(tag[2])}(?::[^>]*)?>` : `(?:^|[\\s,]+)${escape(text.trim())}(?=$|[\\s,])`);
  }

  atelierHost.toggleText = (/** @type {HTMLTextAreaElement | null} */ box, /** @type {string} */ text) => {
    if (!box || !text) return;
    const separator = opts.extra_networks_add_text_separator ?? " ";
    const pattern = patternOf(text);
    box.value = pattern.test(box.value) ? box.value.replace(pattern, "") : box.value + (box.value ? separator : "") + text;
    updateInput(box);
  };

  /** The files of a kind, as cards of the page know them. */
  atelierHost.findCard = async (/** @type {string} */ kind, /** @type {string} */ name) => {
    const query = new URLSearchParams({ kind, q: name, limit: "100" });
    const response = await fetch(atelierHost.address(`v1/cards?${query}`));
    const { cards = [] } = response.ok ? await response.json() : {};
    return cards.find((/** @type {any} */ card) => [card.name, card.stem, card.title].includes(name)) ?? null;
  };
})();

/** Makes a checkpoint the one in use, by its name. */
function selectCheckpoint(/** @type {string} */ name) {
  void atelierHost.findCard("checkpoint", name).then((/** @type {any} */ card) =>
    window.webui.chooseModel("sd_model_checkpoint", card?.title ?? name));
}

var desired_checkpoint_name = /** @type {string | null} */ (null);
var desired_vae_name = /** @type {string | null} */ (null);

function selectVAE(/** @type {string} */ name) {
  void window.webui.chooseModel("sd_vae", name);
}

(() => {
  /** @type {Record<string, string>} */
  const PAGES = { lora: "lora", checkpoints: "checkpoint", hypernetworks: "hypernetwork", textual_inversion: "embedding", "textual inversion": "embedding" };
  atelierHost.kindOf = (/** @type {string} */ page) => PAGES[page.toLowerCase()] ?? page;

  atelierHost.rescan = async () => {
    await fetch(atelierHost.address("v1/cards/scan"), { method: "POST" });
    window.webui.cardsChanged();
  };
})();

/** Opens what is known of a card for editing. */
function extraNetworksEditUserMetadata(/** @type {Event | null} */ event, /** @type {string} */ tab, /** @type {string} */ page, /** @type {string} */ name) {
  event?.stopPropagation();
  const kind = atelierHost.kindOf(page);
  window.webui.showCards(tab, kind, name, { all: true });
  const look = () => {
    const cards = [...document.querySelectorAll(`#${tab}_${CSS.escape(page)}_cards .card`)];
    const card = cards.find((each) => each.getAttribute("data-name") === name);
    const [edit] = [...(card?.querySelectorAll(".card-buttons button") ?? [])].slice(-1);
    if (edit instanceof HTMLElement) edit.click();
    return Boolean(edit);
  };
  const observer = new MutationObserver(() => look() && observer.disconnect());
  observer.observe(document.body, { childList: true, subtree: true });
}

/** Shows what a network's file says of itself. */
function extraNetworksRequestMetadata(/** @type {Event | null} */ event, /** @type {string} */ page, /** @type {string} */ item) {
  event?.stopPropagation();
  const failed = () => extraNetworksShowMetadata("there was an error getting metadata");
  const shown = (/** @type {any} */ { metadata }) => (metadata ? extraNetworksShowMetadata(metadata) : failed());
  requestGet(atelierHost.address("sd_extra_networks/metadata"), { page, item }, shown, failed);
}

function extraNetworksShowMetadata(/** @type {unknown} */ text) {
  const words = typeof text === "string" ? text : JSON.stringify(text, null, 2);
  popup(atelierHost.make("pre", { className: "popup-metadata", textContent: words }));
}

/** Makes a tab's cards known to scripts before anybody opens them. */
function setupExtraNetworksForTab(/** @type {string} */ tab) {
  window.webui.prepareCards?.(tab);
}

function setupExtraNetworks() {
  for (const tab of ["txt2img", "img2img"]) setupExtraNetworksForTab(tab);
}

function applyExtraNetworkFilter(/** @type {string} */ tab_page) {
  const box = gradioApp().getElementById(`${tab_page}_extra_search`);
  if (box) updateInput(box);
}

function applyExtraNetworkSort(/** @type {string} */ tab_page) {
  applyExtraNetworkFilter(tab_page);
}

function extraNetworksSearchButton(/** @type {string} */ tab, /** @type {string} */ page, /** @type {Event} */ event) {
  const box = gradioApp().getElementById(`${tab}_${page}_extra_search`);
  const button = event.target;
  if (!box || !(button instanceof Element)) return;
  box.value = button.classList.contains("search-all") ? "" : `${button.textContent?.trim()}/`;
  updateInput(box);
}

/** Looks for files again. */
function refreshExtraNetworks() {
  void atelierHost.rescan();
}

function extraNetworksRefreshSingleCard(/** @type {string} */ page, /** @type {string} */ tab, /** @type {string} */ name) {
  void [page, tab, name];
  window.webui.cardsChanged();
}

function extraNetworksTabSelected() {
  return [];
}

function extraNetworksUnrelatedTabSelected() {
  return [];
}

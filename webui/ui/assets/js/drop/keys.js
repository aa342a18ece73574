// The artist's keys: they go to our server, which never shows them again and sends each to its own site alone.
import { appears } from "../dom.js";
import { make } from "../controls.js";
import { button, dialogButtons, openDialog } from "../dialogs.js";
import { ask, messageOf } from "../server.js";

/** @type {Record<string, [name: string, where: string]>} */
const SITES = {
  civitai: ["Civitai", "Some files there need one: civitai.com, Account settings, API keys."],
  huggingface: ["Hugging Face", "Gated models need one: huggingface.co, Settings, Access Tokens, of the kind Read."],
};

/**
 * @param {string} site
 * @param {(kept: Keys) => void} changed
 */
function row(site, changed) {
  const [name, where] = SITES[site];
  const key = make("input", {
    type: "password",
    autocomplete: "off",
    placeholder: "Paste a key",
    attributes: { "aria-label": `${name} key` },
  });
  const told = make("span", { className: "hint", attributes: { role: "status" } });
  const change = async (/** @type {string} */ value) => {
    try {
      changed(await ask("PUT", "v1/keys", { [site]: value }));
      key.value = "";
    } catch (error) {
      told.textContent = messageOf(error);
    }
  };
  const keep = button("Keep", () => {
    if (key.value.trim()) void change(key.value.trim());
    else key.focus();
  });
  const remove = button("Remove", () => change(""));
  key.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    keep.click();
  });
  const element = make(
    "div",
    { className: "key-row", attributes: { "data-site": site } },
    make("strong", { textContent: name }),
    told,
    make("div", { className: "found-form" }, key, keep, remove),
  );
  const show = (/** @type {boolean} */ has) => {
    told.textContent = has ? "A key is stored. It is not shown again; a new one replaces it." : `No key. ${where}`;
    remove.hidden = !has;
  };
  return { element, show, tell: (/** @type {string} */ sentence) => (told.textContent = sentence) };
}

/** Fields for the keys of both sites, which tell whether there is one. */
export function keyFields() {
  // All places on the page show the same.
  const tellAll = (/** @type {Keys} */ kept) => dispatchEvent(new CustomEvent("keys", { detail: kept }));
  const rows = Object.keys(SITES).map((site) => ({ site, ...row(site, tellAll) }));
  const showKept = (/** @type {Keys} */ kept) => rows.forEach(({ site, show }) => show(kept[site]));
  const box = make("div", { className: "key-fields" }, ...rows.map(({ element }) => element));
  const follow = (/** @type {CustomEvent<Keys>} */ { detail }) => {
    if (box.isConnected) showKept(detail);
    else removeEventListener("keys", follow);
  };
  addEventListener("keys", follow);
  ask("GET", "v1/keys").then(showKept, (error) => rows.forEach(({ tell }) => tell(messageOf(error))));
  return box;
}

/** The keys in a dialog of their own. */
export function openKeys() {
  const dialog = openDialog(
    "Keys",
    { narrow: true },
    make("p", {
      className: "hint",
      textContent: "They are kept on the machine of this server, and each is sent to its own site and nowhere else.",
    }),
    keyFields(),
  );
  dialog.append(dialogButtons(null, button("Close", () => dialog.close())));
}

/** The keys in the Settings tab, beside what else concerns models. */
export async function placeKeysInSettings() {
  const section = await appears("#settings_models");
  section.append(make("div", { className: "setting keys-setting" }, keyFields()));
}

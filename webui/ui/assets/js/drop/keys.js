// The artist's keys: they go to our server, which never shows them again and sends each to its own site alone.
import { appears } from "../dom.js";
import { make } from "../controls.js";
import { button, dialogButtons, openDialog } from "../dialogs.js";
import { ask } from "../server.js";

const SITES = {
  civitai: ["Civitai", "Some files there need one: civitai.com, Account settings, API keys."],
  huggingface: ["Hugging Face", "Gated models need one: huggingface.co, Settings, Access Tokens, of the kind Read."],
};

function row(site, changed) {
  const [name, where] = SITES[site];
  const key = make("input", {
    type: "password",
    autocomplete: "off",
    placeholder: "Paste a key",
    attributes: { "aria-label": `${name} key` },
  });
  const told = make("span", { className: "hint", attributes: { role: "status" } });
  const change = async (value) => {
    try {
      changed(await ask("PUT", "v1/keys", { [site]: value }));
      key.value = "";
    } catch (error) {
      told.textContent = error.message;
    }
  };
  const keep = button("Keep", () => {
    if (key.value.trim()) change(key.value.trim());
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
  const show = (has) => {
    told.textContent = has ? "A key is kept. It is not shown again; another one takes its place." : `No key. ${where}`;
    remove.hidden = !has;
  };
  return { element, show, tell: (sentence) => (told.textContent = sentence) };
}

/** Fields for the keys of both sites, which tell whether there is one. */
export function keyFields() {
  const rows = Object.keys(SITES).map((site) => [site, row(site, (kept) => show(kept))]);
  const show = (kept) => {
    for (const [site, { show: showRow }] of rows) showRow(kept[site]);
    // Other places on the page show the same.
    dispatchEvent(new CustomEvent("keys", { detail: kept }));
  };
  const box = make("div", { className: "key-fields" }, ...rows.map(([, { element }]) => element));
  const follow = ({ detail }) => {
    if (!box.isConnected) return removeEventListener("keys", follow);
    for (const [site, { show: showRow }] of rows) showRow(detail[site]);
  };
  addEventListener("keys", follow);
  ask("GET", "v1/keys").then(
    (kept) => rows.forEach(([site, { show: showRow }]) => showRow(kept[site])),
    (error) => rows.forEach(([, { tell }]) => tell(error.message)),
  );
  return box;
}

/** The keys in a dialog of their own. */
export function openKeys() {
  const dialog = openDialog(
    "Keys",
    { narrow: true },
    make("p", {
      className: "hint",
      textContent: "They lie on the machine of this server, and each is sent to its own site and nowhere else.",
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

// Whoever has only the Starter is offered a first real model. No other host is asked before a click.
import { appears } from "./dom.js";
import { make } from "./controls.js";
import { button, dialogButtons, openDialog, sizeText } from "./dialogs.js";
import { ask } from "./server.js";

const DISMISSED = "atelier.first-model.dismissed";

/** @typedef {{wanted: boolean, models: FirstModel[]}} FirstModels */

function isDismissed() {
  try {
    return localStorage.getItem(DISMISSED) !== null;
  } catch {
    return false;
  }
}

/**
 * One model of the dialog.
 * @param {FirstModel} model
 */
function drawModel({ name, family, size, licence, about, link, page }) {
  const fetch = button("Download", () => {
    fetch.disabled = true;
    fetch.textContent = "On its way";
    window.webui.fetchLink(link);
  }, { className: "primary" });
  fetch.setAttribute("aria-label", `Download ${name}`);
  const more = make("a", { href: page, target: "_blank", rel: "noreferrer noopener", textContent: licence });
  return make(
    "li",
    {},
    make(
      "div",
      {},
      make("strong", { textContent: name }),
      make("span", { className: "hint", textContent: ` ${family}, ${sizeText(size)}` }),
      make("p", { textContent: about }),
      make("p", { className: "hint" }, "Licence: ", more),
    ),
    fetch,
  );
}

/** @param {FirstModel[]} models */
function openModels(models) {
  const dialog = openDialog(
    "Get a real model",
    { narrow: true },
    make("p", {
      className: "hint",
      textContent: "Each comes from Hugging Face into the folder of checkpoints. Read its licence first; downloads go on while you work.",
    }),
    make("ul", { className: "first-models" }, ...models.map(drawModel)),
    dialogButtons(
      button("Another one: file or link", () => {
        dialog.close();
        window.webui.addModels();
      }),
      null,
      button("Close", () => dialog.close()),
    ),
  );
}

/** @param {FirstModel[]} models */
function drawCard(models) {
  const card = make(
    "aside",
    { id: "first_model", className: "first-model", attributes: { "aria-label": "First model" } },
    make("p", { textContent: "The Starter draws picture-book scenes only." }),
    button("Get a real model", () => openModels(models), { className: "primary" }),
    make("button", {
      type: "button",
      className: "first-model-close",
      textContent: "×",
      title: "Do not offer this again",
      attributes: { "aria-label": "Do not offer this again" },
      onclick: () => {
        card.remove();
        try {
          localStorage.setItem(DISMISSED, "1");
        } catch {
          // It comes back with the next page.
        }
      },
    }),
  );
  return card;
}

const row = await appears("#quicksettings");
if (!isDismissed()) {
  const { wanted, models } = /** @type {FirstModels} */ (
    await ask("GET", "v1/first-models").catch(() => ({ wanted: false, models: [] }))
  );
  if (wanted) {
    const card = drawCard(models);
    row.append(card);
    // Once another checkpoint is here, it is chosen in the row above.
    addEventListener("checkpoint-defaults", ({ detail: { defaults } }) => {
      if (!defaults.examples.length) card.remove();
    });
  }
}

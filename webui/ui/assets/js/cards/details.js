// What is known of one file, and what the artist adds: a dialog over the page.
import { find } from "../dom.js";
import { make } from "../controls.js";
import { ask, address } from "../server.js";

const TEXTS = {
  description: ["Description", "textarea"],
  activation_text: ["Trigger words, written into the prompt", "textarea"],
  negative_text: ["Words for the negative prompt", "textarea"],
  notes: ["Notes", "textarea"],
};

function field(label, input) {
  return make("label", { className: "details-field" }, make("span", { textContent: label }), input);
}

function size(bytes) {
  if (bytes > 1e9) return `${(bytes / 1e9).toFixed(2)} GB`;
  return bytes > 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.ceil(bytes / 1e3)} kB`;
}

function row(label, value) {
  return value ? [make("dt", { textContent: label }), make("dd", { textContent: value })] : [];
}

function facts(card) {
  return make(
    "dl",
    { className: "details-facts" },
    ...row("File", card.name),
    ...row("For", card.family),
    ...row("Size", size(card.size)),
    ...row("SHA-256", card.sha256),
    ...row("Civitai", card.civitai?.url),
    ...row("Also read from", (card.sidecars ?? []).join(", ")),
  );
}

function words(card, input) {
  const list = [...new Set([...(card.trained_words ?? []), ...(card.tags ?? []).slice(0, 24).map(([tag]) => tag)])];
  return make(
    "div",
    { className: "details-words" },
    ...list.map((word) =>
      make("button", {
        type: "button",
        textContent: word,
        title: "Add to the trigger words",
        onclick: () => {
          const present = input.value.trim();
          if (present.split(/\s*,\s*/).includes(word)) return;
          input.value = present ? `${present.replace(/,$/, "")}, ${word}` : word;
        },
      }),
    ),
  );
}

/** The path of the picture that a tab's gallery shows. */
function shownPicture(tab) {
  const text = find(`#generation_info_${tab} textarea`)?.value;
  const paths = text ? JSON.parse(text).paths : [];
  const source = find(`#${tab}_gallery .preview img`)?.src;
  const name = source ? decodeURIComponent(new URL(source).pathname).split(/[\\/]/).at(-1) : null;
  return paths.find((path) => path.split(/[\\/]/).at(-1) === name) ?? paths.at(-1) ?? null;
}

/** Opens the dialog. `changed(card)` is called with what it is now, or with nothing once the file is gone. */
export async function edit(card, tab, changed) {
  const dialog = make("dialog", { className: "details", attributes: { "aria-label": card.stem } });
  const message = make("p", { className: "details-message", attributes: { role: "status" } });
  dialog.append(make("h2", { textContent: card.stem }), make("p", { className: "hint", textContent: "Reading …" }));
  document.body.append(dialog);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.showModal();
  const attempt = async (action) => {
    message.textContent = "";
    try {
      return await action();
    } catch (error) {
      message.textContent = error.message;
      return null;
    }
  };
  const known = await attempt(() => ask("GET", `v1/cards/${card.id}`));
  if (known) fill(known);
  else dialog.append(message);

  function fill(detail) {
    const inputs = {};
    const fields = Object.entries(TEXTS).map(([name, [label, tag]]) => {
      inputs[name] = make(
        tag,
        { rows: name === "notes" || name === "description" ? 3 : 2, value: detail[name] ?? "" },
      );
      return field(label, inputs[name]);
    });
    const isPrompted = ["lora", "embedding", "hypernetwork"].includes(detail.kind);
    inputs.preferred_weight = make(
      "input",
      { type: "number", step: 0.05, min: -10, max: 10, value: detail.preferred_weight ?? 0 },
    );
    const update = async (action) => {
      const now = await attempt(action);
      if (now) {
        changed(now);
        fill(now);
      }
    };
    const preview = detail.thumbnail
      ? make("img", { alt: "", src: address(`v1/cards/${detail.id}/preview?v=${Date.now()}`) })
      : make("p", { className: "hint", textContent: "No preview yet" });
    dialog.replaceChildren(
      make("h2", { textContent: detail.stem }),
      make(
        "div",
        { className: "details-columns" },
        make(
          "div",
          { className: "details-side" },
          preview,
          make(
            "button",
            {
              type: "button",
              textContent: "Preview from the shown picture",
              onclick: () => update(() => take(detail)),
            },
          ),
          make(
            "button",
            {
              type: "button",
              textContent: "Ask Civitai about this file",
              onclick: () => update(() => ask("POST", `v1/cards/${detail.id}/fetch`, {})),
            },
          ),
          facts(detail),
        ),
        make(
          "div",
          { className: "details-main" },
          ...(detail.reason ? [make("p", { className: "details-reason", textContent: detail.reason })] : []),
          ...fields.slice(0, 2),
          words(detail, inputs.activation_text),
          ...fields.slice(2),
          ...(isPrompted ? [field("Preferred weight, 0 for the usual one", inputs.preferred_weight)] : []),
        ),
      ),
      message,
      make(
        "div",
        { className: "details-buttons" },
        make(
          "button",
          { type: "button", className: "danger", textContent: "Move to the trash", onclick: () => discard(detail) },
        ),
        make("span", { className: "gap" }),
        make("button", { type: "button", textContent: "Close", onclick: () => dialog.close() }),
        make(
          "button",
          { type: "button", className: "primary", textContent: "Save", onclick: () => save(detail, inputs) },
        ),
      ),
    );
  }

  async function take(detail) {
    const path = shownPicture(tab);
    if (!path) throw new Error("There is no picture in the gallery. Generate one first, or choose one.");
    return ask("PUT", `v1/cards/${detail.id}/preview?output=${encodeURIComponent(path)}`);
  }

  async function save(detail, inputs) {
    const change = Object.fromEntries(Object.keys(TEXTS).map((name) => [name, inputs[name].value]));
    const now = await attempt(() =>
      ask(
        "PATCH",
        `v1/cards/${detail.id}`,
        { ...change, preferred_weight: Number(inputs.preferred_weight.value) || 0 },
      ),
    );
    if (!now) return;
    changed(now);
    dialog.close();
  }

  async function discard(detail) {
    const use = await attempt(() => ask("GET", `v1/cards/${detail.id}/use`));
    if (!use) return;
    const button = dialog.querySelector(".danger");
    message.textContent = use.sentence;
    button.textContent = "Move it all the same";
    button.onclick = async () => {
      if (!(await attempt(() => ask("DELETE", `v1/cards/${detail.id}`)))) return;
      changed(null);
      dialog.close();
    };
  }
}

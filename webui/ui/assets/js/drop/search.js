// Search Civitai without leaving the page. Nothing is asked before the artist asks.
import { make } from "../controls.js";
import { button, dialogButtons, openDialog } from "../dialogs.js";
import { ask, messageOf } from "../server.js";
import { keyFields } from "./keys.js";

const SORTS = ["Highest Rated", "Most Downloaded", "Most Liked", "Newest"];
const PERIODS = { AllTime: "All time", Year: "This year", Month: "This month", Week: "This week", Day: "Today" };
const TYPES = {
  "": "All kinds",
  LORA: "LoRA",
  LoCon: "LyCORIS",
  Checkpoint: "Checkpoint",
  TextualInversion: "Embedding",
  Hypernetwork: "Hypernetwork",
  VAE: "VAE",
  Controlnet: "ControlNet",
  Upscaler: "Upscaler",
};
const BASES = ["", "SD 1.4", "SD 1.5", "SD 2.0", "SD 2.1", "SDXL 1.0", "Pony", "Illustrious", "NoobAI"];
/** @type {Record<string, string>} */
const KIND_TYPES = {
  lora: "LORA",
  checkpoint: "Checkpoint",
  embedding: "TextualInversion",
  hypernetwork: "Hypernetwork",
};

const NOTHING = "Civitai knows nothing like that. Try fewer words or other filters.";

/**
 * @param {string} label
 * @param {string[] | Record<string, string>} choices
 * @param {string} [value]
 */
function makeList(label, choices, value = "") {
  const box = make("select", { title: label, attributes: { "aria-label": label } });
  for (const [key, words] of Array.isArray(choices) ? choices.map((key) => [key, key]) : Object.entries(choices)) {
    box.append(make("option", { value: key, textContent: words || "All models" }));
  }
  box.value = value;
  return box;
}

/**
 * @param {FoundModel} found
 * @param {(link: string) => void} fetchIt
 */
function drawFound(found, fetchIt) {
  const picture = found.preview
    ? make("img", { alt: "", loading: "lazy", referrerPolicy: "no-referrer", src: found.preview })
    : make("div", { className: "stand-in", textContent: "?" });
  const fetched = button(found.same ? "Here already" : "Download", () => {
    fetched.disabled = true;
    fetched.textContent = "On its way";
    fetchIt(found.link);
  });
  fetched.disabled = found.same;
  const early = found.early_access_until ? `, early access until ${found.early_access_until.slice(0, 10)}` : "";
  return make(
    "li",
    { className: "found" },
    picture,
    make(
      "div",
      { className: "found-text" },
      make("strong", { textContent: found.name }),
      make(
        "span",
        {
          className: "hint",
          textContent: [found.version, found.type, found.base_model].filter(Boolean).join(" · ") + early,
        },
      ),
      make(
        "span",
        {
          className: "hint",
          textContent: `${found.creator ?? "unknown"}, ${Number(found.downloads ?? 0).toLocaleString()} downloads`,
        },
      ),
      ...(found.here && !found.same
        ? [make("span", { className: "hint", textContent: `Another version is here: ${found.here.name}` })]
        : []),
    ),
    fetched,
  );
}

/**
 * Opens the search for a kind of cards; `fetchIt(link)` starts a download.
 * @param {ModelKind} kind
 * @param {string} query
 * @param {(link: string) => void} fetchIt
 */
export function searchCivitai(kind, query, fetchIt) {
  const field = make(
    "input",
    {
      type: "search",
      value: query,
      placeholder: "What to look for",
      attributes: { "aria-label": "What to look for" },
    },
  );
  const type = makeList("Kind", TYPES, KIND_TYPES[kind] ?? "");
  const base = makeList("Made for", BASES);
  const sort = makeList("Order", SORTS, SORTS[0]);
  const period = makeList("From", PERIODS, "AllTime");
  const adult = make("input", { type: "checkbox" });
  const list = make("ul", { className: "found-list" });
  const message = make(
    "p",
    {
      className: "hint",
      textContent: "Civitai is asked only when you press Search.",
      attributes: { role: "status" },
    },
  );
  const more = make("button", { type: "button", textContent: "More", hidden: true });
  let cursor = /** @type {string | null} */ (null);

  /** @param {boolean} fresh */
  async function look(fresh) {
    if (fresh) list.replaceChildren();
    message.textContent = "Asking Civitai …";
    more.hidden = true;
    const question = {
      query: field.value.trim(),
      types: type.value ? [type.value] : [],
      base_models: base.value ? [base.value] : [],
      sort: sort.value,
      period: period.value,
      nsfw: adult.checked,
      ...(fresh ? {} : { cursor }),
    };
    try {
      /** @type {{items: FoundModel[], next_cursor: string | null}} */
      const answer = await ask("POST", "v1/civitai/search", question);
      list.append(...answer.items.map((found) => drawFound(found, fetchIt)));
      cursor = answer.next_cursor;
      more.hidden = !cursor;
      message.textContent = list.children.length ? "" : NOTHING;
    } catch (error) {
      message.textContent = messageOf(error);
    }
  }

  const form = make(
    "form",
    { className: "found-form" },
    field,
    type,
    base,
    sort,
    period,
    make("label", {}, adult, " Adult"),
    make("button", { type: "submit", className: "primary", textContent: "Search" }),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void look(true);
  });
  more.addEventListener("click", () => look(false));
  const dialog = openDialog("Search Civitai", {}, form, message, list, more, foldedKeys());
  dialog.append(dialogButtons(null, button("Close", () => dialog.close())));
  field.focus();
}

/** The keys, folded away; nothing is asked of the server before they are wanted. */
function foldedKeys() {
  const box = make("details", { className: "found-key" }, make("summary", { textContent: "Keys for sites" }));
  box.addEventListener("toggle", () => box.open && box.append(keyFields()), { once: true });
  return box;
}

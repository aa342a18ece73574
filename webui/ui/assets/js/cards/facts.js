// What is known of a file: facts, words it was trained with, its metadata.
import { make } from "../controls.js";
import { button, copyText, sizeText } from "../dialogs.js";
import { isInPrompt, toggleWords } from "./prompt.js";

const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });

/**
 * @param {string} label
 * @param {...(Node | string | null | undefined)} values
 */
function row(label, ...values) {
  const shown = values.flatMap((value) => value || []);
  return shown.length ? [make("dt", { textContent: label }), make("dd", {}, ...shown)] : [];
}

/**
 * A text with a button that copies it.
 * @param {string | null} text
 */
function makeCopyable(text) {
  if (!text) return null;
  const code = make("code", { textContent: text });
  const copy = button("Copy", async () => {
    await copyText(text, code);
    copy.textContent = "Copied";
  }, { className: "small" });
  return make("span", { className: "copied" }, code, copy);
}

/**
 * Name, family, size, hashes; `computeHash()` is called where the hash is wanted and not known.
 * @param {CardDetails} card
 * @param {() => void} computeHash
 */
export function facts(card, computeHash) {
  const unknown = card.family === "unknown";
  const link = card.civitai && make("a", {
    href: card.civitai.url,
    target: "_blank",
    rel: "noreferrer noopener",
    textContent: `Model ${card.civitai.model_id}`,
  });
  const hash = makeCopyable(card.sha256) ?? button("Compute", computeHash, { className: "small" });
  return make(
    "dl",
    { className: "details-facts" },
    ...row("File", card.name),
    ...row("For", unknown ? "unknown, its content does not tell" : card.family),
    ...row("Sort", card.sort),
    ...row("Size", sizeText(card.size)),
    ...row("Changed", DAY.format(card.modified * 1000)),
    ...row("SHA-256", hash),
    ...row("Hash in infotexts", makeCopyable(card.short_hash)),
    ...row("Civitai", link),
    ...row("Also read from", (card.sidecars ?? []).join(", ")),
  );
}

/**
 * Words that the trainer or Civitai names; a click adds one to a field.
 * @param {CardDetails} card
 * @param {HTMLInputElement | HTMLTextAreaElement} input
 */
export function trainedWords(card, input) {
  const words = card.trained_words ?? [];
  return make(
    "div",
    { className: "details-words" },
    ...words.map((word) =>
      button(word, () => {
        const present = input.value.trim();
        if (present.split(/\s*,\s*/).includes(word)) return;
        input.value = present ? `${present.replace(/,$/, "")}, ${word}` : word;
      }, { title: "Add to the trigger words" }),
    ),
  );
}

/**
 * Tags of the training pictures with how often they stood there; a click writes one into the tab's prompt.
 * @param {CardDetails} card
 * @param {Tab} tab
 */
export function trainingTags(card, tab) {
  if (!card.tags?.length) return [];
  const tags = card.tags.map(([word, count]) => {
    const tag = button("", () => mark(toggleWords(tab, word)), { title: "Into the prompt, or out of it" });
    const mark = (/** @type {boolean} */ used) => {
      tag.classList.toggle("used", used);
      tag.setAttribute("aria-pressed", String(used));
    };
    tag.append(word, make("span", { className: "hint", textContent: ` ${count}` }));
    mark(isInPrompt(tab, word));
    return tag;
  });
  return [
    make("span", { className: "details-label", textContent: "Tags of the training pictures, into the prompt" }),
    make("div", { className: "details-words" }, ...tags),
  ];
}

/**
 * What the file says of itself, folded away.
 * @param {CardDetails} card
 */
export function metadata(card) {
  const entries = Object.entries(card.metadata ?? {});
  if (!entries.length) return [];
  const list = make(
    "dl",
    { className: "details-facts" },
    ...entries.sort(([a], [b]) => a.localeCompare(b)).flatMap(([name, value]) => row(name, value)),
  );
  const summary = make("summary", { textContent: `Metadata in the file, ${entries.length} entries` });
  // It scrolls: the keyboard needs a place in it.
  const frame = make("div", { tabIndex: 0, className: "metadata", attributes: { role: "region", "aria-label": "Metadata" } }, list);
  return [make("details", { className: "details-more" }, summary, frame)];
}

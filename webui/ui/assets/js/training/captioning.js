// A dialog that lets a model write captions: which one, what becomes of captions that are there, and fetching it first.
import { make } from "../controls.js";
import { button, dialogButtons, openDialog, sizeText } from "../dialogs.js";
import { ask } from "../server.js";
import { Notice } from "./notice.js";
import { counted } from "./words.js";

/** @type {[mode: string, words: string][]} */
const MODES = [["missing", "Only where there is none"], ["append", "Add to what is there"], ["write", "In place of what is there"]];

/**
 * @param {{files?: string[], count: number}} target
 * @param {(wish: {captioner: string, mode: string, files?: string[]}) => Promise<unknown>} write
 */
export function openCaptioning({ files, count }, write) {
  const list = make("div", { className: "train-captioners", attributes: { role: "radiogroup", "aria-label": "What writes" } });
  const modes = make("select", { attributes: { "aria-label": "Captions that are there" } },
    ...MODES.map(([value, words]) => make("option", { value, textContent: words })));
  const notice = new Notice();
  const go = button(`Caption ${counted(count, "picture")}`, async () => {
    const captioner = list.querySelector("input:checked")?.getAttribute("value");
    if (!captioner) return notice.say("Choose what shall write the captions first.", "warning");
    go.disabled = true;
    try {
      await write({ captioner, mode: modes.value, ...(files ? { files } : {}) });
      dialog.close();
    } catch (error) {
      notice.fail(error);
    }
    go.disabled = false;
  }, { className: "primary" });
  const dialog = openDialog("Write captions", { narrow: true },
    make("p", { className: "hint", textContent: "A model on this machine looks at each picture. You can change what it writes." }),
    list,
    make("label", { className: "details-field" }, make("span", { textContent: "Captions that are there" }), modes),
    notice.element,
    dialogButtons(null, button("Cancel", () => dialog.close()), go));
  dialog.classList.add("train-captioning");
  void fill(list, notice, go);
}

/**
 * @param {HTMLElement} list
 * @param {Notice} notice
 * @param {HTMLButtonElement} go
 */
async function fill(list, notice, go) {
  try {
    const captioners = /** @type {Captioner[]} */ ((await ask("GET", "v1/captioning")).captioners);
    const before = list.querySelector("input:checked")?.getAttribute("value");
    const usable = captioners.filter((each) => each.is_here && !each.reason);
    const chosen = usable.find(({ name }) => name === before) ?? usable[0];
    list.replaceChildren(...captioners.map((each) => row(each, each === chosen, () => void fill(list, notice, go), notice)));
    go.disabled = !usable.length;
    if (!usable.length && notice.element.hidden) notice.say("None of these is here yet. Fetch one of them first.");
  } catch (error) {
    notice.fail(error, button("Try again", () => void fill(list, notice, go)));
  }
}

/**
 * @param {Captioner} captioner
 * @param {boolean} isChosen
 * @param {() => void} again
 * @param {Notice} notice
 */
function row({ name, title, about, licence, size, is_here: isHere, reason }, isChosen, again, notice) {
  const input = make("input", { type: "radio", name: "captioner", value: name, checked: isChosen, disabled: !isHere || Boolean(reason) });
  const facts = [isHere ? "" : sizeText(size), licence && `licence ${licence}`].filter(Boolean).join(" · ");
  const words = make("span", { className: "train-captioner-words" },
    make("strong", { textContent: title }),
    make("span", { textContent: reason ?? about }),
    make("span", { className: "hint", textContent: facts }));
  const label = make("label", { className: "train-captioner" }, input, words);
  if (isHere || reason) return label;
  const fetchIt = button("Fetch", async () => {
    fetchIt.disabled = true;
    fetchIt.textContent = "Fetching …";
    try {
      await ask("POST", `v1/captioning/${encodeURIComponent(name)}/fetch`);
      notice.clear();
    } catch (error) {
      notice.fail(error);
    }
    again();
  }, { title: `Fetch ${title}` });
  return make("div", { className: "train-captioner-row" }, label, fetchIt);
}

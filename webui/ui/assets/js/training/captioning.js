// A dialog that lets a model write captions: which one, what becomes of captions that are there, and fetching it first.
import { make } from "../controls.js";
import { button, dialogButtons, openDialog, sizeText } from "../dialogs.js";
import { ask } from "../server.js";
import { Notice } from "./notice.js";
import { counted } from "./words.js";

/** @type {[mode: string, words: string][]} */
const MODES = [["missing", "Only where there is none"], ["append", "Add to what is there"], ["write", "In place of what is there"]];

// While something is fetched, the list is drawn again this often.
const AGAIN_MS = 1500;

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
 * Shows the captioners, and again while one of them is being fetched.
 * @param {HTMLElement} list
 * @param {Notice} notice
 * @param {HTMLButtonElement} go
 */
async function fill(list, notice, go) {
  try {
    const { captioners } = /** @type {{captioners: Captioner[]}} */ (await ask("GET", "v1/captioning"));
    const before = list.querySelector("input:checked")?.getAttribute("value");
    const usable = captioners.filter(({ present, reason }) => present && !reason);
    const chosen = usable.find(({ id }) => id === before) ?? usable[0];
    list.replaceChildren(...captioners.map((each) => row(each, each === chosen, () => void fill(list, notice, go), notice)));
    go.disabled = !usable.length;
    if (!usable.length && notice.element.hidden) notice.say("None of these is here yet. Fetch one of them first.");
    if (captioners.some(({ downloads }) => downloads.some(isGoing))) setTimeout(() => list.isConnected && void fill(list, notice, go), AGAIN_MS);
  } catch (error) {
    notice.fail(error, button("Try again", () => void fill(list, notice, go)));
  }
}

/** @param {Download} download */
function isGoing({ state }) {
  return ["waiting", "asking", "running", "filing"].includes(state);
}

/** How far its files are. @param {Download[]} downloads */
function fetchText(downloads) {
  const size = downloads.reduce((sum, each) => sum + (each.size ?? 0), 0);
  const received = downloads.reduce((sum, each) => sum + each.received, 0);
  return size ? `Fetching … ${Math.floor((100 * received) / size)} %` : "Fetching …";
}

/**
 * @param {Captioner} captioner
 * @param {boolean} isChosen
 * @param {() => void} again
 * @param {Notice} notice
 */
function row({ id, name, is_tagger: isTagger, licence, size, present, reason, fetch, downloads }, isChosen, again, notice) {
  const input = make("input", { type: "radio", name: "captioner", value: id, checked: isChosen, disabled: !present || Boolean(reason) });
  const facts = [sizeText(size), licence && `licence ${licence}`, present ? "" : "not here yet"].filter(Boolean).join(" · ");
  const failed = downloads.find(({ state }) => state === "failed")?.message;
  const words = make("span", { className: "train-captioner-words" },
    make("strong", { textContent: name }),
    make("span", { textContent: reason ?? failed ?? fetch?.about ?? (isTagger ? "Writes tags" : "Writes sentences") }),
    make("span", { className: "hint", textContent: facts }));
  const label = make("label", { className: "train-captioner" }, input, words);
  if (!fetch) return label;
  if (downloads.some(isGoing)) return make("div", { className: "train-captioner-row" }, label, make("span", { className: "hint", textContent: fetchText(downloads) }));
  const fetchIt = button("Fetch", async () => {
    fetchIt.disabled = true;
    try {
      await ask("POST", "v1/captioning/fetch", { repo: fetch.repo });
      notice.clear();
    } catch (error) {
      notice.fail(error);
    }
    again();
  }, { title: `Fetch ${name} from ${fetch.repo}` });
  return make("div", { className: "train-captioner-row" }, label, fetchIt);
}

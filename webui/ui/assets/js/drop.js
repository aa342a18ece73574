// Anything can be dropped anywhere on the page, or pasted: model files, links, pictures, presets, zips, styles, wildcards.
import { appears, closest, publish } from "./dom.js";
import { make } from "./controls.js";
import { ask } from "./server.js";
import { Tray } from "./drop/tray.js";
import { fetchLink, followDownload, resumeDownloads } from "./drop/downloads.js";
import { askForModels } from "./drop/adding.js";
import { retell } from "./drop/arrivals.js";
import { finishUpload, sendFile } from "./drop/uploads.js";
import { inquire } from "./drop/inquiry.js";
import { openKeys, placeKeysInSettings } from "./drop/keys.js";
import { isLink, linksIn } from "./drop/links.js";
import { isPreset, presetFile } from "./drop/texts.js";
import { searchCivitai } from "./drop/search.js";

await appears("#tabs > .tab-nav > button");
const tray = new Tray();
const veil = make(
  "div",
  { className: "drop-veil", attributes: { "aria-hidden": "true" } },
  make(
    "p",
    {},
    make("strong", { textContent: "Drop it here" }),
    make("span", { textContent: "Models, LoRAs, links, pictures, presets, zips, styles: each goes where it belongs." }),
  ),
);
document.body.append(veil);

/** Places that take pictures themselves. */
const PICTURE_PLACES =
  ".canvas, .part-picture, [data-takes-pictures], [data-testid='image'], .image-container, .upload-container, [id$='_batch'], #extras_image, #pnginfo_image";

/** Places that take files of every kind, and hand on what is for the page. */
const FILE_PLACES = "[data-takes-files]";

/**
 * Whether what is dragged is for this page as a whole, and not for the field below the pointer.
 * @param {DragEvent} event
 */
function isOurs(event) {
  if (!event.dataTransfer) return false;
  const { items, types } = event.dataTransfer;
  const files = [...items].filter((item) => item.kind === "file");
  const onPictures = closest(event, PICTURE_PLACES);
  if (files.length && closest(event, FILE_PLACES)) return false;
  if (files.length) return !onPictures || files.some((item) => item.type && !item.type.startsWith("image/"));
  return types.includes("text/uri-list") && !onPictures;
}

let within = 0;
/** @param {boolean} shown */
function showVeil(shown) {
  veil.classList.toggle("open", shown);
}

addEventListener("dragenter", (event) => {
  within += 1;
  showVeil(isOurs(event));
});
addEventListener("dragleave", () => {
  within = Math.max(0, within - 1);
  if (!within) showVeil(false);
});
addEventListener("dragover", (event) => {
  const ours = isOurs(event);
  showVeil(ours);
  if (ours) event.preventDefault();
});
addEventListener(
  "drop",
  (event) => {
    within = 0;
    showVeil(false);
    if (!event.dataTransfer || !isOurs(event)) return;
    event.preventDefault();
    event.stopPropagation();
    take([...event.dataTransfer.files], event.dataTransfer.getData("text/uri-list"));
  },
  true,
);

addEventListener("paste", (event) => {
  const inField = closest(event, "input, textarea, [contenteditable]");
  const files = [...(event.clipboardData?.files ?? [])].filter((file) => !file.type.startsWith("image/"));
  const text = event.clipboardData?.getData("text/plain") ?? "";
  if (!files.length && (inField || !(isLink(text) || isPreset(text)))) return;
  event.preventDefault();
  take(files, text);
});

/**
 * Takes files and the links in a text.
 * @param {File[]} files
 * @param {string} [text]
 */
function take(files, text = "") {
  for (const file of files) sendFile(file, tray);
  if (!files.length && isPreset(text)) sendFile(presetFile(text), tray);
  else if (!files.length) for (const link of linksIn(text)) void fetchLink(link, tray);
}

publish({
  addModels: () => askForModels(take),
  fetchLink: (link) => fetchLink(link, tray),
  followDownloads: (downloads) => downloads.forEach((each) => followDownload(each, tray)),
  inquire: (what, question, label, showNewer) => inquire(what, question, label, tray, showNewer),
  openKeys,
  takeFiles: take,
  searchModels: (kind, query) => searchCivitai(kind, query, (link) => fetchLink(link, tray)),
});

void placeKeysInSettings();
for (const kept of tray.kept()) retell(kept, tray);
void resumeDownloads(tray);
const uploads = /** @type {Upload[]} */ (await ask("GET", "v1/uploads").catch(() => []));
for (const upload of uploads) {
  if (upload.offset === upload.size) void finishUpload(upload, tray);
  else {
    const done = Math.floor((100 * upload.offset) / upload.size);
    const line = tray.add(upload.name);
    line.isToldByServer = true;
    line.say(`Only ${done} % of this file arrived. Drop it again to continue from there.`);
  }
}

// What the server fetches from Civitai, Hugging Face and other places. It goes on without the page.
import { address, ask, messageOf } from "../server.js";
import { showArrivals } from "./arrivals.js";

/** @import { Line, Tray } from "./tray.js" */

const ACTIVE = new Set(["waiting", "asking", "running", "filing"]);
/** @type {Record<string, string>} */
const BEGINNINGS = { waiting: "Waiting …", asking: "Asking …", filing: "Looking at it …" };
// A browser does not ask again by itself where a proxy answered for a server that is being started.
const ASK_AGAIN_MS = 5000;
const SILENT = "The server does not answer. This goes on by itself as soon as it does.";
const LOST = "The server no longer knows of this download. See whether the file is here; if not, fetch it again.";
const lines = /** @type {Map<string, {line: Line, tray: Tray}>} */ (new Map());
let events = /** @type {EventSource | null} */ (null);

/**
 * Fetches what a link means.
 * @param {string} link
 * @param {Tray} tray
 */
export async function fetchLink(link, tray) {
  const line = tray.add(link);
  line.progress(null, "Asking …");
  try {
    follow(await ask("POST", "v1/downloads", { link }), line, tray);
  } catch (error) {
    line.say(messageOf(error), "failed");
  }
}

/**
 * Shows a download that was begun elsewhere.
 * @param {Download} download
 * @param {Tray} tray
 */
export function followDownload(download, tray) {
  follow(download, tray.add(download.name || download.link), tray);
}

/**
 * Shows what is on its way since before the page was opened, and what came without being shown.
 * @param {Tray} tray
 */
export async function resumeDownloads(tray) {
  const downloads = /** @type {Download[]} */ (await ask("GET", "v1/downloads").catch(() => []));
  for (const download of downloads) {
    const line = tray.add(download.name || download.link);
    if (download.state === "done") finish(download, line, tray, { isNews: false });
    else follow(download, line, tray);
  }
}

/**
 * @param {Download} download
 * @param {Line} line
 * @param {Tray} tray
 * @param {{isNews?: boolean}} [options]
 */
function finish(download, line, tray, options) {
  line.isToldByServer = false;
  void showArrivals(download.arrivals, line, tray, null, options);
  ask("DELETE", `v1/downloads/${download.id}`).catch(() => {});
}

/**
 * @param {Download} download
 * @param {Line} line
 * @param {Tray} tray
 */
function follow(download, line, tray) {
  line.isToldByServer = true;
  lines.set(download.id, { line, tray });
  show(download);
  if (lines.size) listen();
}

/** Listens to the server as long as something is on its way. */
function listen() {
  if (events) return;
  events = new EventSource(address("v1/downloads/events"));
  // The first answer of a connection names all that there are.
  let before = /** @type {string[] | null} */ (null);
  events.addEventListener("open", () => (before = [...lines.keys()]));
  events.addEventListener("message", ({ data }) => {
    const downloads = /** @type {Download[]} */ (JSON.parse(data));
    if (before) sayLost(before.filter((id) => !downloads.some((download) => download.id === id)));
    before = null;
    downloads.forEach(show);
    if (!lines.size) hangUp();
  });
  events.addEventListener("error", () => {
    for (const { line } of lines.values()) line.progress(null, SILENT);
    if (events?.readyState !== EventSource.CLOSED) return;
    hangUp();
    setTimeout(() => lines.size && listen(), ASK_AGAIN_MS);
  });
}

function hangUp() {
  events?.close();
  events = null;
}

/** @param {string[]} identities */
function sayLost(identities) {
  for (const id of identities) {
    const line = lines.get(id)?.line;
    lines.delete(id);
    if (!line) continue;
    line.isToldByServer = false;
    line.say(LOST, "failed");
  }
}

/** @param {Download} download */
function show(download) {
  const entry = lines.get(download.id);
  if (!entry) return;
  const { line, tray } = entry;
  line.rename(download.name || download.link);
  if (download.state === "done") {
    lines.delete(download.id);
    finish(download, line, tray);
  } else if (ACTIVE.has(download.state)) {
    line.progress(download.size ? download.received / download.size : null, statusText(download));
    if (!line.buttons.children.length) offerButtons(download, line);
  } else {
    lines.delete(download.id);
    line.say(download.message ?? "Paused.", download.state === "failed" ? "failed" : "");
    line.offer(download.state === "failed" ? "Try again" : "Go on", () => change(download, "resume", line, tray));
    if (download.cause === "key needed") line.offer("Enter a key", () => window.webui.openKeys());
    line.offer("Give up", () => drop(download, line));
  }
}

/**
 * @param {Download} download
 * @param {Line} line
 */
function offerButtons(download, line) {
  line.offer(
    "Pause",
    () => ask("POST", `v1/downloads/${download.id}/pause`).catch((error) => (line.text.textContent = messageOf(error))),
  );
  line.offer("Cancel", () => drop(download, line));
}

/**
 * @param {Download} download
 * @param {string} what
 * @param {Line} line
 * @param {Tray} tray
 */
async function change(download, what, line, tray) {
  try {
    line.buttons.replaceChildren();
    follow(await ask("POST", `v1/downloads/${download.id}/${what}`), line, tray);
  } catch (error) {
    line.say(messageOf(error), "failed");
  }
}

/**
 * @param {Download} download
 * @param {Line} line
 */
async function drop(download, line) {
  lines.delete(download.id);
  await ask("DELETE", `v1/downloads/${download.id}`).catch(() => {});
  line.remove();
}

/** @param {Download} download */
function statusText({ state, received, size, bytes_per_s: speed, message }) {
  if (message) return message;
  if (state !== "running") return BEGINNINGS[state];
  const megabytes = (/** @type {number} */ bytes) => (bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0);
  const rate = speed ? `, ${megabytes(speed)} MB/s` : "";
  return size ? `${megabytes(received)} of ${megabytes(size)} MB${rate}` : `${megabytes(received)} MB${rate}`;
}

// What the server fetches from Civitai, Hugging Face and other places. It goes on without the page.
import { ask } from "../server.js";
import { arrived } from "./arrivals.js";

const LOOK_EVERY_MS = 700;
const ACTIVE = new Set(["waiting", "asking", "running", "filing"]);
const lines = new Map();
let looking = false;

/** Fetches what a link means. */
export async function fetchLink(link, tray) {
  const line = tray.add(link);
  line.progress(null, "Asking …");
  try {
    follow(await ask("POST", "v1/downloads", { link }), line, tray);
  } catch (error) {
    line.say(error.message, "failed");
  }
}

/** Shows what is on its way since before the page was opened. */
export async function resumeDownloads(tray) {
  const downloads = await ask("GET", "v1/downloads").catch(() => []);
  for (const download of downloads) if (download.state !== "done") follow(
    download,
    tray.add(download.name || download.link),
    tray,
  );
}

function follow(download, line, tray) {
  lines.set(download.id, { line, tray });
  show(download);
  look();
}

async function look() {
  if (looking) return;
  looking = true;
  while (lines.size) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    // A server that is being started again answers soon.
    const downloads = await ask("GET", "v1/downloads").catch(() => null);
    if (downloads) downloads.forEach(show);
  }
  looking = false;
}

function show(download) {
  const entry = lines.get(download.id);
  if (!entry) return;
  const { line, tray } = entry;
  line.rename(download.name || download.link);
  if (download.state === "done") {
    lines.delete(download.id);
    arrived(download.arrivals, line, tray, null);
    ask("DELETE", `v1/downloads/${download.id}`).catch(() => {});
  } else if (ACTIVE.has(download.state)) {
    line.progress(download.size ? download.received / download.size : null, speech(download));
    if (!line.buttons.children.length) buttons(download, line);
  } else {
    lines.delete(download.id);
    line.say(download.message ?? "Paused.", download.state === "failed" ? "failed" : "");
    line.offer(download.state === "failed" ? "Try again" : "Go on", () => change(download, "resume", line, tray));
    if (download.cause === "key needed") line.offer("Enter a key", () => window.webui.openKeys());
    line.offer("Give up", () => drop(download, line));
  }
}

function buttons(download, line) {
  line.offer(
    "Pause",
    () => ask("POST", `v1/downloads/${download.id}/pause`).catch((error) => (line.text.textContent = error.message)),
  );
  line.offer("Cancel", () => drop(download, line));
}

async function change(download, what, line, tray) {
  try {
    line.buttons.replaceChildren();
    follow(await ask("POST", `v1/downloads/${download.id}/${what}`), line, tray);
  } catch (error) {
    line.say(error.message, "failed");
  }
}

async function drop(download, line) {
  lines.delete(download.id);
  await ask("DELETE", `v1/downloads/${download.id}`).catch(() => {});
  line.remove();
}

function speech({ state, received, size, bytes_per_s: speed, message }) {
  if (message) return message;
  if (state !== "running") return { waiting: "Waiting …", asking: "Asking …", filing: "Looking at it …" }[state];
  const megabytes = (bytes) => (bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0);
  const rate = speed ? `, ${megabytes(speed)} MB/s` : "";
  return size ? `${megabytes(received)} of ${megabytes(size)} MB${rate}` : `${megabytes(received)} MB${rate}`;
}

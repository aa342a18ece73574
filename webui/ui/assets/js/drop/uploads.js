// Files to the server, a piece at a time. A connection that breaks costs at most one piece.
import { ask } from "../server.js";
import { arrived } from "./arrivals.js";

const AT_ONCE = 2;
const TRIES = 6;
const waiting = [];
let running = 0;

/** Sends a file and shows how it goes; several at once wait for each other. */
export function sendFile(file, tray) {
  const line = tray.add(file.name);
  const stop = new AbortController();
  line.progress(0, "Waiting …");
  line.offer("Cancel", () => stop.abort());
  waiting.push(() => send(file, line, stop, tray));
  next();
}

function next() {
  while (running < AT_ONCE && waiting.length) {
    running += 1;
    waiting.shift()().finally(() => {
      running -= 1;
      next();
    });
  }
}

async function send(file, line, stop, tray) {
  let upload = null;
  try {
    upload = await begin(file);
    while (upload.offset < file.size) {
      if (stop.signal.aborted) throw new DOMException("", "AbortError");
      upload = await piece(file, upload, line, stop.signal);
      line.progress(upload.offset / file.size, `${megabytes(upload.offset)} of ${megabytes(file.size)} MB`);
    }
    line.progress(null, "Looking at it …");
    line.buttons.replaceChildren();
    const { arrivals } = await ask("POST", `v1/uploads/${upload.id}/finish`);
    await arrived(arrivals, line, tray, file);
  } catch (error) {
    if (error.name === "AbortError") {
      if (upload) await ask("DELETE", `v1/uploads/${upload.id}`).catch(() => {});
      return line.remove();
    }
    line.say(error.message, "failed");
    if (!error.status || error.status >= 500) {
      line.offer("Try again", () => {
        line.remove();
        sendFile(file, tray);
      });
    }
  }
}

/** A new upload, or one of the same file that was broken off. */
async function begin(file) {
  const unfinished = await ask("GET", "v1/uploads");
  const same = unfinished.find(({ name, size }) => name === file.name && size === file.size);
  return same ?? ask("POST", "v1/uploads", { name: file.name, size: file.size });
}

async function piece(file, upload, line, signal) {
  for (let attempt = 1; ; attempt++) {
    const body = file.slice(upload.offset, upload.offset + upload.chunk_bytes);
    try {
      return await ask("PUT", `v1/uploads/${upload.id}?offset=${upload.offset}`, body, signal);
    } catch (error) {
      if (error.status === 409) return { ...upload, offset: error.body.offset };
      if (error.status || error.name === "AbortError" || attempt === TRIES) throw error;
      line.progress(upload.offset / file.size, "The connection broke; trying again …");
      await new Promise((resolve) => setTimeout(resolve, 500 * 2 ** attempt));
    }
  }
}

function megabytes(bytes) {
  return (bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0);
}

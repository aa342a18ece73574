// Files to the server, a piece at a time. A connection that breaks costs at most one piece.
import { ask, isAbort, messageOf, isUnreachable } from "../server.js";
import { showArrivals } from "./arrivals.js";
import { beginSending, endSending, isSending } from "./staying.js";

/** @import { Line, Tray } from "./tray.js" */

const AT_ONCE = 2;
// The server may be starting again, which takes seconds; the artist may have to do it.
const [SHORTEST_PAUSE_MS, LONGEST_PAUSE_MS] = [500, 5000];
const SILENT = "The server does not answer. This goes on by itself as soon as it does.";
const waiting = /** @type {(() => Promise<void>)[]} */ ([]);
let running = 0;

/**
 * Tells a file from others of its name and size.
 * @param {File} file
 */
const markOf = (file) => `${file.lastModified}`;

/**
 * Sends a file and shows how it goes; several at once wait for each other. One that is on its way is not sent twice.
 * @param {File} file
 * @param {Tray} tray
 */
export function sendFile(file, tray) {
  const key = [file.name, file.size, markOf(file)].join("/");
  if (isSending(key)) return;
  beginSending(key);
  const line = tray.add(file.name);
  const stop = new AbortController();
  line.progress(0, "Waiting …");
  line.offer("Cancel", () => stop.abort());
  waiting.push(() => send(file, line, stop.signal, tray).finally(() => endSending(key)));
  next();
}

/**
 * Files what came whole before the page was opened.
 * @param {Upload} upload
 * @param {Tray} tray
 */
export async function finishUpload({ id, name }, tray) {
  const line = tray.add(name);
  const stop = new AbortController();
  try {
    await finish(id, line, stop.signal, tray, null);
  } catch (error) {
    line.say(messageOf(error), "failed");
  }
}

function next() {
  while (running < AT_ONCE && waiting.length) {
    running += 1;
    void waiting.shift()?.().finally(() => {
      running -= 1;
      next();
    });
  }
}

/**
 * @param {File} file
 * @param {Line} line
 * @param {AbortSignal} signal
 * @param {Tray} tray
 */
async function send(file, line, signal, tray) {
  let upload = null;
  try {
    signal.throwIfAborted();
    upload = await begin(file, line, signal);
    while (upload.offset < file.size) {
      upload = await sendPiece(file, upload, line, signal);
      line.progress(upload.offset / file.size, `${megabytes(upload.offset)} of ${megabytes(file.size)} MB`);
    }
    await finish(upload.id, line, signal, tray, file);
  } catch (error) {
    if (isAbort(error)) {
      if (upload) await ask("DELETE", `v1/uploads/${upload.id}`).catch(() => {});
      return line.remove();
    }
    line.say(messageOf(error), "failed");
    const { status } = /** @type {Refusal} */ (error);
    if (!status || status >= 500) {
      line.offer("Try again", () => {
        line.remove();
        sendFile(file, tray);
      });
    }
  }
}

/**
 * A new upload, or one of the same file that was broken off.
 * @param {File} file
 * @param {Line} line
 * @param {AbortSignal} signal
 * @returns {Promise<Upload>}
 */
function begin(file, line, signal) {
  const body = { name: file.name, size: file.size, mark: markOf(file) };
  return askPatiently(() => ask("POST", "v1/uploads", body, signal), line, 0, signal);
}

/**
 * @param {string} id
 * @param {Line} line
 * @param {AbortSignal} signal
 * @param {Tray} tray
 * @param {File | null} file
 */
async function finish(id, line, signal, tray, file) {
  line.progress(null, "Looking at it …");
  line.buttons.replaceChildren();
  const { arrivals } = await askPatiently(() => ask("POST", `v1/uploads/${id}/finish`), line, null, signal);
  await showArrivals(arrivals, line, tray, file);
}

/**
 * @param {File} file
 * @param {Upload} upload
 * @param {Line} line
 * @param {AbortSignal} signal
 * @returns {Promise<Upload>}
 */
async function sendPiece(file, upload, line, signal) {
  const body = file.slice(upload.offset, upload.offset + upload.chunk_bytes);
  const address = `v1/uploads/${upload.id}?offset=${upload.offset}`;
  try {
    return await askPatiently(() => ask("PUT", address, body, signal), line, upload.offset / file.size, signal);
  } catch (error) {
    const { status, body: told } = /** @type {Refusal} */ (error);
    if (status === 409 && told?.offset !== undefined) return { ...upload, offset: told.offset };
    // Another window sent the same file and was quicker: finishing tells what became of it.
    if (status === 404 && upload.offset) return { ...upload, offset: file.size };
    throw error;
  }
}

/**
 * Asks until the server answers, and says meanwhile why nothing moves. Throws what it refuses.
 * @template Answer
 * @param {() => Promise<Answer>} question
 * @param {Line} line
 * @param {number | null} share
 * @param {AbortSignal} signal
 */
async function askPatiently(question, line, share, signal) {
  for (let attempt = 0; ; attempt++) {
    try {
      return await question();
    } catch (error) {
      if (!isUnreachable(error)) throw error;
      line.progress(share, SILENT);
      await pause(Math.min(SHORTEST_PAUSE_MS * 2 ** attempt, LONGEST_PAUSE_MS), signal);
    }
  }
}

/**
 * @param {number} milliseconds
 * @param {AbortSignal} signal
 */
function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    }, { once: true });
  });
}

/** @param {number} bytes */
function megabytes(bytes) {
  return (bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0);
}

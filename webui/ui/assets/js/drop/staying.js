// The page loads itself anew when its connection broke. While files are sent it must not: a fresh page has no files.

const sending = new Set();
let isReloadWanted = false;

// Browsers without this interface load the page anew; it then says what to drop again.
globalThis.navigation?.addEventListener("navigate", (event) => {
  if (event.navigationType !== "reload" || event.userInitiated || !event.cancelable || !sending.size) return;
  event.preventDefault();
  isReloadWanted = true;
});

/**
 * Whether a file is being sent.
 * @param {string} key
 */
export const isSending = (key) => sending.has(key);

/**
 * Keeps the page while a file is being sent; afterwards it loads itself anew if it wanted to meanwhile.
 * @param {string} key
 */
export function beginSending(key) {
  sending.add(key);
}

/**
 * The file is through, or given up.
 * @param {string} key
 */
export function endSending(key) {
  sending.delete(key);
  if (isReloadWanted && !sending.size) location.reload();
}

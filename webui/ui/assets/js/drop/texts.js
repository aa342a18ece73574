// Texts that are files as well: a preset that was copied from a chat or a page.

// As PRESET_MARK in webui/core/preset.py.
const MARK = /^\s*\{[^]*"atelier_preset"\s*:/;

/**
 * Whether a text is meant as a preset; the server tells whether it is one.
 * @param {string} text
 */
export function isPreset(text) {
  return MARK.test(text);
}

/**
 * The text as a file to send.
 * @param {string} text
 */
export function presetFile(text) {
  return new File([text], "preset.json", { type: "application/json" });
}

// Which texts are links to models.

const SITES = /^https:\/\/(?:[\w-]+\.)*(?:civitai\.com|civitai\.green|civitai\.red|huggingface\.co|hf\.co)\//i;
const AIR = /^(?:urn:air:|civitai:\d+)/i;
const FILE = /^https:\/\/\S+\.(?:safetensors|ckpt|pt|pth|bin|gguf|zip)(?:[?#]\S*)?$/i;

/**
 * Whether a whole text is one link to a model.
 * @param {string} text
 */
export function isLink(text) {
  const trimmed = text.trim();
  return !/\s/.test(trimmed) && (SITES.test(trimmed) || AIR.test(trimmed) || FILE.test(trimmed));
}

/**
 * All links in a text, one a line or a word, each once.
 * @param {string} text
 */
export function linksIn(text) {
  return [...new Set(text.split(/\s+/).filter(isLink))];
}

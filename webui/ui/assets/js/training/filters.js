// Which pictures of a data set are shown, and which a change of captions is for.

/** @typedef {{kind: "all" | "bare" | "warned" | "alike" | "tag", tag?: string}} Filter */

/** The tags of a caption. @param {string} caption */
export function tagsOf(caption) {
  return caption.split(",").map((tag) => tag.trim()).filter(Boolean);
}

/**
 * @param {Example} example
 * @param {Filter} filter
 * @param {string[][]} duplicates
 */
export function isShown(example, { kind, tag = "" }, duplicates) {
  switch (kind) {
    case "bare": return !example.caption.trim() && !example.is_regularisation;
    case "warned": return example.warnings.length > 0;
    case "alike": return duplicates.some((files) => files.includes(example.file));
    case "tag": return tagsOf(example.caption).some((own) => own.toLowerCase() === tag.toLowerCase());
    default: return true;
  }
}

/**
 * Which captions a change is for: those of chosen pictures, else of the shown ones. `files` is left out for all.
 * @param {Example[]} examples
 * @param {string[]} chosen
 * @param {Filter} filter
 * @param {string[][]} duplicates
 * @returns {{files?: string[], words: string}}
 */
export function targetOf(examples, chosen, filter, duplicates) {
  if (chosen.length) return { files: chosen, words: `in ${chosen.length} chosen` };
  if (filter.kind === "all") return { words: `in all ${examples.length}` };
  const files = examples.filter((example) => isShown(example, filter, duplicates)).map(({ file }) => file);
  return { files, words: `in the ${files.length} shown` };
}

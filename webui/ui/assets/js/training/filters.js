// Which pictures of a data set are shown, and which a change of captions is for.

/** @typedef {{kind: "all" | "bare" | "warned" | "alike" | "tag", tag?: string}} Filter */

/**
 * Pictures as people count: fox-2 before fox-10, and those of the class last.
 * @param {Example[]} examples
 */
export function inOrder(examples) {
  const compare = new Intl.Collator("en", { numeric: true }).compare;
  return examples.toSorted((one, other) =>
    Number(one.is_regularisation) - Number(other.is_regularisation) || compare(one.file, other.file));
}

/** The tags of a caption. @param {string} caption */
export function tagsOf(caption) {
  return caption.split(",").map((tag) => tag.trim()).filter(Boolean);
}

/** The name of a picture's file without its folder and type. @param {string} file */
function stemOf(file) {
  return (file.split("/").at(-1) ?? file).replace(/\.[^.]+$/, "");
}

/**
 * The caption that somebody wrote: where there is none, the file's name stands for it, and none is shown.
 * @param {Example} example
 */
export function writtenCaption({ caption, file }) {
  return caption.trim() === stemOf(file) ? "" : caption;
}

/**
 * The tags that somebody wrote, without those that are names of files.
 * @param {DataSet} data
 * @returns {TagCount[]}
 */
export function writtenTags({ examples, tags }) {
  const names = examples.filter((each) => each.caption && !writtenCaption(each)).map(({ file }) => stemOf(file));
  return tags.map(({ tag, count }) => ({ tag, count: count - names.filter((name) => name === tag).length })).filter(({ count }) => count > 0);
}

/**
 * @param {Example} example
 * @param {Filter} filter
 * @param {string[][]} duplicates
 */
export function isShown(example, { kind, tag = "" }, duplicates) {
  switch (kind) {
    case "bare": return !writtenCaption(example).trim() && !example.is_regularisation;
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

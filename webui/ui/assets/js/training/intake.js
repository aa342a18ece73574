// What becomes of files that are dropped or chosen: which of them are for a data set, its name, and how they are sent.
import { counted } from "./words.js";

/** A file, and its path below what was dropped. @typedef {{file: File, path: string}} Dropped */

const PICTURES = /\.(png|jpe?g|webp|bmp|gif|tiff?|avif|jxl|heic)$/i;
const WITH_PICTURES = /\.(txt|caption|toml|json|npz)$/i;
const ARCHIVE = /\.zip$/i;
// So that a request neither waits for hundreds of pictures nor is made for each of them.
const MOST_FILES = 12;
const MOST_BYTES = 48 * 2 ** 20;
const LONGEST_NAME = 60;

/**
 * Whether a file is something that a data set takes.
 * @param {{name: string, type?: string}} file
 */
export function isForDataSet({ name, type = "" }) {
  return type.startsWith("image/") || [PICTURES, WITH_PICTURES, ARCHIVE].some((pattern) => pattern.test(name));
}

// What cameras and programs call every picture.
const NO_NAMES = /^(img|image|dsc[fn]?|pxl|photo|picture|pic|screenshot|screen|untitled|unnamed|download|file|whatsapp)$/i;
// What a data set is called that nobody named.
const UNNAMED = "pictures";
// As short as "cat".
const SHORTEST_STEM = 3;

/**
 * What the names of pictures begin with: "fox" for fox-1.png and fox-2.png; empty where that says nothing.
 * @param {{path: string}[]} files
 */
export function commonStem(files) {
  const stems = files.map(({ path }) => path.split("/").at(-1) ?? "").filter((name) => PICTURES.test(name))
    .map((name) => name.replace(PICTURES, ""));
  if (stems.length < 2) return "";
  let stem = stems[0];
  for (const other of stems) while (!other.startsWith(stem)) stem = stem.slice(0, -1);
  stem = plainName(stem.replace(/[\d_\s().-]+$/, ""));
  return stem.length < SHORTEST_STEM || NO_NAMES.test(stem.split(/[ _-]/)[0]) ? "" : stem;
}

/**
 * What a new data set is called: the folder that was dropped, else the zip, else what the files' names share.
 * @param {{path: string}[]} dropped
 * @param {string[]} taken names that are there
 */
export function nameFor(dropped, taken) {
  const folders = new Set(dropped.map(({ path }) => (path.includes("/") ? path.split("/")[0] : "")));
  const folder = folders.size === 1 ? [...folders][0] : "";
  const zip = dropped.length === 1 && ARCHIVE.test(dropped[0].path) ? dropped[0].path.replace(ARCHIVE, "") : "";
  return freeName(plainName(folder || zip) || commonStem(dropped) || UNNAMED, taken);
}

/**
 * What a run with this data set is called: as the set, or by the word that all captions share if the set has no name.
 * @param {string} data
 * @param {string} trigger
 */
export function runNameFor(data, trigger) {
  return trigger && new RegExp(`^${UNNAMED}( \\d+)?$`).test(data) ? trigger : data;
}

/**
 * A name that every file system takes; kohya's count before a folder's name is no part of it.
 * @param {string} text
 */
export function plainName(text) {
  return text.replace(/^\d+_/, "").replace(/[^\p{L}\p{N}_-]+/gu, " ").trim().slice(0, LONGEST_NAME).trim();
}

/**
 * @param {string} wanted
 * @param {string[]} taken
 */
export function freeName(wanted, taken) {
  const lower = new Set(taken.map((name) => name.toLowerCase()));
  if (!lower.has(wanted.toLowerCase())) return wanted;
  for (let number = 2; ; number++) {
    const name = `${wanted} ${number}`;
    if (!lower.has(name.toLowerCase())) return name;
  }
}

// Words that captions share without meaning anything by it.
const COMMON = new Set("a an the and or of in on at by to with from is are his her its it this that".split(" "));

/**
 * The one word that all captions have, apart from words that any sentence has; empty where there is none, or more.
 * @param {string[]} captions
 */
export function sharedWord(captions) {
  const words = captions.map((caption) => new Set(caption.toLowerCase().match(/[\p{L}\p{N}_-]+/gu) ?? []));
  const shared = [...(words[0] ?? [])].filter((word) => !COMMON.has(word) && words.every((own) => own.has(word)));
  return shared.length === 1 ? shared[0] : "";
}

/**
 * A word that calls what a run learns, and that no prompt has by chance. Where all captions begin with one, or share
 * one, it is that; else it is made from the name: "red house" becomes redhouse, "fox" becomes myfox.
 * @param {string} name
 * @param {string[]} captions
 */
export function triggerFor(name, captions) {
  const first = new Set(captions.map((caption) => caption.split(",")[0].trim()));
  const begun = first.size === 1 ? [...first][0] : "";
  if (/^[\p{L}\p{N}_-]+$/u.test(begun)) return begun;
  const words = name.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  return sharedWord(captions) || (words.length === 1 ? `my${words[0]}` : words.join(""));
}

/**
 * Files in the portions in which they are sent; pictures and their captions stay together where they can.
 * @param {Dropped[]} files
 * @returns {Dropped[][]}
 */
export function portions(files) {
  const sorted = [...files].sort((one, other) => one.path.localeCompare(other.path, "en", { numeric: true }));
  const all = /** @type {Dropped[][]} */ ([]);
  let bytes = 0;
  for (const each of sorted) {
    const last = all.at(-1);
    if (last && last.length < MOST_FILES && bytes + each.file.size <= MOST_BYTES) {
      last.push(each);
      bytes += each.file.size;
    } else {
      all.push([each]);
      bytes = each.file.size;
    }
  }
  return all;
}

/**
 * The files of what was dropped, folders opened. Must be called while the drop is handled.
 * @param {DataTransfer} transfer
 * @returns {Promise<Dropped[]>}
 */
export async function filesOf(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.() ?? null);
  const plain = [...transfer.files].map((file) => ({ file, path: file.name }));
  if (!entries.some((entry) => entry?.isDirectory)) return plain;
  return (await Promise.all(entries.filter((entry) => entry !== null).map(walk))).flat();
}

/**
 * @param {FileSystemEntry} entry
 * @returns {Promise<Dropped[]>}
 */
async function walk(entry) {
  const path = entry.fullPath.replace(/^\//, "");
  if (entry.isFile) {
    const own = /** @type {FileSystemFileEntry} */ (entry);
    return [{ file: await new Promise((resolve, reject) => own.file(resolve, reject)), path }];
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  const found = /** @type {Dropped[]} */ ([]);
  for (;;) {
    // A browser gives a hundred at a time, and none at the end.
    const some = /** @type {FileSystemEntry[]} */ (await new Promise((resolve, reject) => reader.readEntries(resolve, reject)));
    if (!some.length) return found;
    for (const each of some) if (!each.name.startsWith(".")) found.push(...(await walk(each)));
  }
}

/**
 * The files of a field, with the folder they were chosen with.
 * @param {FileList | null} list
 * @returns {Dropped[]}
 */
export function filesIn(list) {
  return [...(list ?? [])].map((file) => ({ file, path: file.webkitRelativePath || file.name }));
}

/**
 * A path as it lies in the data set: without the folder that gave the data set its name.
 * @param {Dropped[]} files
 * @returns {Dropped[]}
 */
export function withoutTop(files) {
  const tops = new Set(files.map(({ path }) => path.split("/")[0]));
  if (tops.size !== 1 || !files.every(({ path }) => path.includes("/"))) return files;
  // kohya's convention tells the repeats in a folder's name.
  if (/^\d+_/.test([...tops][0])) return files;
  return files.map(({ file, path }) => ({ file, path: path.slice(path.indexOf("/") + 1) }));
}

/**
 * What came of sending, as a sentence; empty where there is nothing to tell.
 * @param {FilesAdded} answer
 */
export function sentenceOfAdding({ added, skipped }) {
  const pictures = added.filter((name) => PICTURES.test(name)).length;
  const come = pictures ? `${counted(pictures, "picture")} added.` : added.length ? `${counted(added.length, "file")} added.` : "";
  if (!skipped.length) return come;
  const few = skipped.slice(0, 3).map(({ name, why }) => `${name} ${why}`.replace(/[.]$/, ""));
  const more = skipped.length > few.length ? `; and ${skipped.length - few.length} more` : "";
  return `${come} Left out: ${few.join("; ")}${more}.`.trim();
}

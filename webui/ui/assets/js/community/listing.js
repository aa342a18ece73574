// Which of the public list are shown, and in which order. Knows no page.

/** @typedef {{search: string, order: string, hidden: Set<string>}} Wishes */

/** The key of one repository however its address is spelled. @param {string} url */
export function keyOf(url) {
  return url.trim().toLowerCase().replace(/^[a-z]+:\/\//, "").replace(/^www\./, "").replace(/\/+$/, "").replace(/\.git$/, "");
}

/** Newest first; what has no date comes last. @param {(entry: IndexEntry) => string} date @returns {(a: IndexEntry, b: IndexEntry) => number} */
const newest = (date) => (a, b) => date(b).localeCompare(date(a));

/** @type {Record<string, {words: string, compare: ((a: IndexEntry, b: IndexEntry) => number) | null}>} */
export const ORDERS = {
  newest: { words: "Newest first", compare: newest((each) => each.added) },
  oldest: { words: "Oldest first", compare: (a, b) => (a.added || "9").localeCompare(b.added || "9") },
  name: { words: "By name", compare: (a, b) => a.name.localeCompare(b.name, "en", { sensitivity: "base" }) },
  stars: { words: "Most stars", compare: (a, b) => (b.stars ?? -1) - (a.stars ?? -1) },
  updated: { words: "Last updated", compare: newest((each) => each.updated) },
  created: { words: "Last created", compare: newest((each) => each.created) },
  listed: { words: "As listed", compare: null },
};

/**
 * The entries that are shown. All words of the search must be there, in any of the texts.
 * @param {IndexEntry[]} entries
 * @param {Wishes} wishes
 * @param {Set<string>} installed keys of addresses
 */
export function choose(entries, { search, order, hidden }, installed) {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = entries.filter((entry) => {
    const tags = installed.has(keyOf(entry.url)) ? [...entry.tags, "installed"] : entry.tags;
    if (tags.some((tag) => hidden.has(tag))) return false;
    const text = [entry.name, entry.description, entry.url, ...entry.tags].join("\n").toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const compare = ORDERS[order]?.compare;
  return compare ? shown.sort(compare) : shown;
}

/**
 * How many entries have each tag, most first.
 * @param {IndexEntry[]} entries
 * @returns {[tag: string, count: number][]}
 */
export function countTags(entries) {
  const counts = new Map();
  for (const { tags } of entries) for (const tag of new Set(tags)) counts.set(tag, (counts.get(tag) ?? 0) + 1);
  return [...counts].sort(([a, m], [b, n]) => n - m || a.localeCompare(b));
}

/** A day as people write it; "" for no date. @param {string} date */
export function dayOf(date) {
  return date.slice(0, 10);
}

/** What is moved one place up or down. @param {string[]} names @param {string} name @param {number} by */
export function moved(names, name, by) {
  const from = names.indexOf(name);
  const to = from + by;
  if (from < 0 || to < 0 || to >= names.length) return names;
  const others = names.filter((each) => each !== name);
  return [...others.slice(0, to), name, ...others.slice(to)];
}

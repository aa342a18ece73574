// The public list of extensions: what is shown, in which order.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { choose, countTags, keyOf, moved, ORDERS } from "../../../webui/ui/assets/js/community/listing.js";

/** @param {Partial<IndexEntry>} fields @returns {IndexEntry} */
const entry = (fields) => ({ name: "a", url: "https://h/a", description: "", tags: [], added: "", created: "", updated: "", stars: null, native: null, ...fields });
const entries = [
  entry({ name: "Beta", url: "https://h/b", tags: ["tab"], added: "2024-01-01", stars: 3 }),
  entry({ name: "alpha", url: "https://h/a.git", description: "Tags of words", added: "2023-01-01", stars: 9 }),
  entry({ name: "Gamma", url: "https://h/g", tags: ["ads", "tab"] }),
];
/** @param {Partial<import("../../../webui/ui/assets/js/community/listing.js").Wishes>} wishes @param {string[]} [installed] */
const names = (wishes, installed = []) =>
  choose(entries, { search: "", order: "listed", hidden: new Set(), ...wishes }, new Set(installed)).map(({ name }) => name);

describe("the list", () => {
  it("is searched by all words in any text", () => {
    expect(names({ search: "tab" })).toEqual(["Beta", "Gamma"]);
    expect(names({ search: "WORDS tags" })).toEqual(["alpha"]);
    expect(names({ search: "words tab" })).toEqual([]);
  });

  it("hides by tag, and what is installed by its address", () => {
    expect(names({ hidden: new Set(["ads"]) })).toEqual(["Beta", "alpha"]);
    expect(names({ hidden: new Set(["installed"]) }, [keyOf("https://H/A/")])).toEqual(["Beta", "Gamma"]);
  });

  it("is ordered; what has no date or stars comes last", () => {
    expect(names({ order: "newest" })).toEqual(["Beta", "alpha", "Gamma"]);
    expect(names({ order: "oldest" })).toEqual(["alpha", "Beta", "Gamma"]);
    expect(names({ order: "name" })).toEqual(["alpha", "Beta", "Gamma"]);
    expect(names({ order: "stars" })).toEqual(["alpha", "Beta", "Gamma"]);
  });

  it("keeps every entry whatever the order", () => {
    const dates = fc.constantFrom("", "2023-01-01", "2024-05-06");
    const some = fc.array(fc.record({ added: dates, updated: dates, created: dates, stars: fc.option(fc.nat()) }).map((each) => entry(each)));
    fc.assert(fc.property(some, fc.constantFrom(...Object.keys(ORDERS)), (listed, order) => {
      const shown = choose(listed, { search: "", order, hidden: new Set() }, new Set());
      expect(new Set(shown)).toEqual(new Set(listed));
      expect(shown.length).toBe(listed.length);
    }));
  });

  it("counts tags, most first", () => {
    expect(countTags(entries)).toEqual([["tab", 2], ["ads", 1]]);
  });
});

describe("the order of those installed", () => {
  it("moves one by one, and back", () => {
    expect(moved(["a", "b", "c"], "b", -1)).toEqual(["b", "a", "c"]);
    expect(moved(["a", "b", "c"], "c", 1)).toEqual(["a", "b", "c"]);
    const lists = fc.uniqueArray(fc.string(), { minLength: 1 });
    fc.assert(fc.property(lists, fc.nat(), fc.constantFrom(1, -1), (list, at, by) => {
      const name = list[at % list.length];
      const there = moved(list, name, by);
      expect([...there].sort()).toEqual([...list].sort());
      if (there !== list) expect(moved(there, name, -by)).toEqual(list);
    }));
  });
});

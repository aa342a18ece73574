// Which script imports which: imports never go round in a circle, and all of them stand at the top.
import { expect, test } from "vitest";

const ROOT = "/webui/ui/assets/js/";
/** @type {Record<string, string>} */
const sources = import.meta.glob("/webui/ui/assets/js/**/*.js", { query: "?raw", import: "default", eager: true });
const STATIC = /^(?:import|export)\s(?:[^"';]*?\sfrom\s)?"([^"]+)";/gm;

/**
 * The scripts that one imports.
 * @param {string} path
 */
function importsOf(path) {
  return [...sources[path].matchAll(STATIC)].map(([, name]) => new URL(name, `page:${path}`).pathname);
}

/**
 * The first circle below a script, as the way round; null where there is none.
 * @param {string} path
 * @param {(path: string) => string[]} below
 * @param {string[]} [way]
 * @param {Set<string>} [done] scripts below which there is no circle
 * @returns {string[] | null}
 */
function findCircle(path, below, way = [], done = new Set()) {
  if (way.includes(path)) return [...way.slice(way.indexOf(path)), path];
  if (done.has(path)) return null;
  for (const next of below(path)) {
    const circle = findCircle(next, below, [...way, path], done);
    if (circle) return circle;
  }
  done.add(path);
  return null;
}

test("the walk finds circles, however long, and none where there is none", () => {
  const graph = /** @type {Record<string, string[]>} */ ({ a: ["b", "c"], b: ["c"], c: [], d: ["e"], e: ["a", "f"], f: ["d"] });
  const below = (/** @type {string} */ name) => graph[name];
  expect(findCircle("a", below)).toBeNull();
  expect(findCircle("d", below)).toEqual(["d", "e", "f", "d"]);
});

test("imports are read in every form they are written in", () => {
  expect(importsOf(`${ROOT}canvas/board.js`)).toContain(`${ROOT}canvas/storage.js`);
  expect(importsOf(`${ROOT}drop.js`)).toContain(`${ROOT}drop/arrivals.js`);
  const written = Object.values(sources).join("\n").match(/^import\s/gm)?.length;
  expect(Object.keys(sources).flatMap(importsOf)).toHaveLength(written ?? 0);
});

test.each(Object.keys(sources))("%s is in no circle, and imports what there is", (path) => {
  expect(findCircle(path, importsOf)).toBeNull();
  expect(importsOf(path).filter((name) => !(name in sources))).toEqual([]);
});

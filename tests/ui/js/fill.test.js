// The bucket: what it reaches, against a search that looks at one pixel after the other.
import fc from "fast-check";
import { expect, test } from "vitest";
import { floodFill } from "../../../webui/ui/assets/js/canvas/fill.js";
import { contextOf, makeState } from "../../../webui/ui/assets/js/canvas/layers.js";
import { COLOURS, makeBase, pixelsOf } from "./pictures.js";

const BLUE = "#0000ff";

/**
 * A picture with one colour, by its place in COLOURS, for each pixel.
 * @param {number[][]} rows
 */
function drawRows(rows) {
  return makeBase(rows[0].length, rows.length, (context) => {
    rows.forEach((row, y) =>
      row.forEach((colour, x) => {
        context.fillStyle = COLOURS[colour];
        context.fillRect(x, y, 1, 1);
      }));
  });
}

/**
 * The places that are joined to the start, and the places beside those: what the bucket paints, as "x,y".
 * @param {number[][]} rows
 * @param {number} startX
 * @param {number} startY
 */
function search(rows, startX, startY) {
  const reached = new Set([`${startX},${startY}`]);
  const waiting = [[startX, startY]];
  for (const [x, y] of waiting) {
    for (const [nextX, nextY] of [[x + 1, y], [x - 1, y], [x, y + 1], [x, y - 1]]) {
      const key = `${nextX},${nextY}`;
      if (reached.has(key) || rows[nextY]?.[nextX] !== rows[startY][startX]) continue;
      reached.add(key);
      waiting.push([nextX, nextY]);
    }
  }
  const beside = waiting.flatMap(([x, y]) => [[x, y], [x + 1, y], [x - 1, y], [x, y + 1], [x, y - 1]]);
  const painted = beside.filter(([x, y]) => rows[y]?.[x] !== undefined);
  return new Set(painted.map(([x, y]) => `${x},${y}`));
}

/** @param {Surface | null} surface */
function paintedPlaces(surface) {
  if (!surface) return null;
  const pixels = pixelsOf(surface);
  const places = new Set();
  for (let at = 0; at < pixels.length / 4; at++) {
    if (pixels[at * 4 + 3]) places.add(`${at % surface.width},${Math.floor(at / surface.width)}`);
  }
  return places;
}

const picture = fc.integer({ min: 1, max: 12 }).chain((width) =>
  fc.array(fc.array(fc.integer({ min: 0, max: 2 }), { minLength: width, maxLength: width }), { minLength: 1, maxLength: 12 }),
);

test("a sketch is filled as far as one colour goes", () => {
  fc.assert(
    fc.property(picture, fc.nat(), fc.nat(), (rows, one, other) => {
      const [x, y] = [one % rows[0].length, other % rows.length];
      const filled = floodFill(makeState(drawRows(rows)), { x: x + 0.5, y: y + 0.5 }, BLUE, false);
      expect(paintedPlaces(filled)).toEqual(search(rows, x, y));
    }),
  );
});

test("a mask is filled within an outline, whatever the picture below it", () => {
  const state = makeState(makeBase(40, 30, (context) => context.fillRect(0, 0, 7, 30)));
  const paint = contextOf(state.layers[0].surface);
  paint.fillStyle = BLUE;
  paint.fillRect(10, 10, 20, 10);
  paint.clearRect(12, 12, 16, 6);
  const inside = floodFill(state, { x: 20, y: 15 }, BLUE, true);
  const places = paintedPlaces(inside);
  // The free area, and one pixel of the outline around it.
  expect(places?.size).toBe(16 * 6 + 2 * (16 + 6));
  expect(paintedPlaces(floodFill(state, { x: 1, y: 1 }, BLUE, true))?.has("20,15")).toBe(false);
});

test("it takes the colour that is asked for", () => {
  const filled = floodFill(makeState(drawRows([[0, 0]])), { x: 0, y: 0 }, "#123456", false);
  expect(filled && [...pixelsOf(filled)]).toEqual([0x12, 0x34, 0x56, 255, 0x12, 0x34, 0x56, 255]);
});

test.each([[-1, 0], [0, -1], [2, 0], [0, 1]])("nothing is filled from outside, at %i, %i", (x, y) => {
  expect(floodFill(makeState(drawRows([[0, 1]])), { x, y }, BLUE, false)).toBeNull();
});

test("a large picture is looked at smaller, and wholly filled", () => {
  const filled = floodFill(makeState(makeBase(4000, 2000, () => {})), { x: 3999, y: 1999 }, BLUE, false);
  if (!filled) throw new Error("nothing was filled");
  expect(filled.width * filled.height).toBeLessThanOrEqual(4_000_000);
  expect(filled.width / filled.height).toBeCloseTo(2, 2);
  expect(pixelsOf(filled).every((value, at) => at % 4 !== 3 || value === 255)).toBe(true);
});

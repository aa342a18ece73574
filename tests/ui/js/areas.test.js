// Areas of regional prompts: what is painted, whose it is, and the masks of it.
import fc from "fast-check";
import { expect, test } from "vitest";
import { Areas } from "../../../extensions/regional_prompts/javascript/areas.js";

const [WIDTH, HEIGHT] = [17, 11];
const place = fc.tuple(fc.integer({ min: -4, max: WIDTH + 4 }), fc.integer({ min: -4, max: HEIGHT + 4 }));
const stroke = fc.record({ from: place, to: place, radius: fc.integer({ min: 1, max: 6 }), region: fc.integer({ min: 0, max: 4 }) });
const strokes = fc.array(stroke, { maxLength: 8 });

/** @param {{from: [number, number], to: [number, number], radius: number, region: number}[]} all */
function painted(all) {
  const areas = new Areas(WIDTH, HEIGHT);
  for (const { from, to, radius, region } of all) areas.paint(from, to, radius, region);
  return areas;
}

/** @param {Areas} areas @param {number} region */
const bright = (areas, region) => [...areas.owners.keys()].filter((at) => areas.mask(region)[at * 4] === 255);

test("a dot is the disc around its middle", () => {
  fc.assert(fc.property(place, fc.integer({ min: 1, max: 6 }), ([x, y], radius) => {
    const areas = painted([{ from: [x, y], to: [x, y], radius, region: 3 }]);
    const disc = [...areas.owners.keys()].filter(
      (at) => Math.hypot((at % WIDTH) + 0.5 - x, Math.floor(at / WIDTH) + 0.5 - y) <= radius,
    );
    expect(bright(areas, 3)).toEqual(disc);
  }));
});

test("a stroke is what many dots along it are", () => {
  const steps = 400;
  fc.assert(fc.property(place, place, (from, to) => {
    const dots = Array.from({ length: steps + 1 }, (_, step) => {
      const at = /** @type {[number, number]} */ ([0, 1].map((axis) => from[axis] + ((to[axis] - from[axis]) * step) / steps));
      return { from: at, to: at, radius: 2, region: 1 };
    });
    const missed = painted(dots).owners.filter((owner, at) => owner !== painted([{ from, to, radius: 2, region: 1 }]).owners[at]);
    // Where a pixel's middle touches the edge, rounding decides.
    expect(missed.length).toBeLessThan(4);
  }), { numRuns: 30 });
});

test("each pixel is one region's or nobody's, and masks give the areas back", () => {
  fc.assert(fc.property(strokes, (all) => {
    const areas = painted(all);
    const regions = Array.from({ length: areas.last }, (_, index) => index + 1);
    const shared = regions.flatMap((region) => bright(areas, region));
    expect(new Set(shared).size).toBe(shared.length);
    expect(shared.length).toBe(areas.owners.filter(Boolean).length);
    const again = new Areas(WIDTH, HEIGHT);
    for (const region of regions) again.take(region, areas.mask(region));
    expect(again.owners).toEqual(areas.owners);
  }));
});

test("undo gives back what was there, stroke by stroke", () => {
  fc.assert(fc.property(strokes, (all) => {
    const areas = new Areas(WIDTH, HEIGHT);
    const seen = all.map(({ from, to, radius, region }) => {
      const before = areas.owners.slice();
      areas.remember();
      areas.paint(from, to, radius, region);
      return before;
    });
    for (const before of seen.toReversed()) {
      expect(areas.undo()).toBe(true);
      expect(areas.owners).toEqual(before);
    }
    expect(areas.undo()).toBe(false);
  }));
});

test("fill takes what is free alone; remove moves those behind up", () => {
  fc.assert(fc.property(strokes, fc.integer({ min: 1, max: 4 }), (all, region) => {
    const before = painted(all).owners;
    const filled = painted(all);
    filled.fill(region);
    expect([...filled.owners]).toEqual([...before].map((owner) => owner || region));
    const removed = painted(all);
    removed.remove(region);
    expect([...removed.owners]).toEqual([...before].map((owner) => (owner === region ? 0 : owner - Number(owner > region))));
    removed.clear();
    expect(removed.last).toBe(0);
  }));
});

test("the middle of a disc is its centre", () => {
  const areas = painted([{ from: [8, 5], to: [8, 5], radius: 3, region: 2 }]);
  expect([...areas.middles().keys()]).toEqual([2]);
  const [x, y] = areas.middles().get(2) ?? [];
  expect(x).toBeCloseTo(7.5);
  expect(y).toBeCloseTo(4.5);
});

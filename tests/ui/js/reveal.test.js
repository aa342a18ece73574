// How far the page scrolls to show a canvas.
import { expect, test } from "vitest";
import { distanceTo } from "../../../webui/ui/assets/js/canvas/reveal.js";

test.each([
  ["all of it is in sight", { top: 100, bottom: 700 }, 40, 0],
  ["it ends below the window, so the strip above it goes to the top", { top: 500, bottom: 1000 }, 440, 432],
  ["it begins above the window", { top: -200, bottom: 300 }, -260, -268],
  ["there is room for the canvas alone", { top: 500, bottom: 1270 }, 400, 492],
  ["there is no room for all of it: its tools and its upper part", { top: 500, bottom: 1500 }, 440, 492],
])("%s", (_, canvas, strip, distance) => {
  expect(distanceTo(canvas, strip, 800)).toBe(distance);
});

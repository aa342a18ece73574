// An extended canvas: its size as the server computes it, its frame on the canvas, and undo.
import { afterEach, expect, test, vi } from "vitest";
import { Board } from "../../../webui/ui/assets/js/canvas/board.js";
import { Frame, valueOfKey } from "../../../webui/ui/assets/js/canvas/frame.js";
import { makeState } from "../../../webui/ui/assets/js/canvas/layers.js";
import { NO_ROOM, describe, measure } from "../../../webui/ui/assets/js/canvas/room.js";
import { makeBase } from "./pictures.js";

afterEach(() => vi.useRealTimers());

/** A canvas of 96x64 on a stage of 400x300, and its frame, which a form of one line answers. */
function makeFrame() {
  vi.useFakeTimers();
  const element = document.createElement("div");
  Object.assign(element.dataset, { name: "img2maskimg", kind: "mask" });
  const stage = document.createElement("div");
  Object.defineProperties(stage, { clientWidth: { value: 400 }, clientHeight: { value: 300 } });
  const board = new Board(element, stage);
  const frame = new Frame(board, stage);
  board.replace(makeState(makeBase(96, 64, () => {})));
  let room = NO_ROOM;
  board.on("room", ({ side, value }) => {
    room = { ...room, [side]: value };
    frame.show(room, 1, "");
  });
  frame.show(room, 1, "");
  return { board, frame };
}

/**
 * @param {HTMLElement} edge
 * @param {string} key
 */
function press(edge, key, shiftKey = false) {
  edge.dispatchEvent(new KeyboardEvent("keydown", { key, shiftKey, bubbles: true, cancelable: true }));
}

test.each([
  [{ ...NO_ROOM, left: 128, right: 128 }, [256, 256], 1, [512, 256], NO_ROOM],
  [{ ...NO_ROOM, left: 3, up: 3 }, [250, 250], 1, [256, 256], { ...NO_ROOM, left: 3, up: 3 }],
  [{ ...NO_ROOM, left: 3 }, [256, 250], 1, [264, 256], { ...NO_ROOM, left: 5, down: 6 }],
  [{ ...NO_ROOM, left: 3, right: 3 }, [256, 256], 1, [264, 256], { ...NO_ROOM, right: 2 }],
  [{ ...NO_ROOM, right: 64 }, [128, 128], 0.5, [128, 64], NO_ROOM],
  [{ ...NO_ROOM, right: 8 }, [5, 3], 0.5, [16, 8], { ...NO_ROOM, right: 5, down: 6 }],
])("%j around %j times %d is %j", (room, [width, height], scale, size, added) => {
  const found = measure(room, width, height, scale);
  expect([found.width, found.height]).toEqual(size);
  expect(found.added).toEqual(added);
});

test("the form says the size, what was rounded, and what is too large", () => {
  const room = { ...NO_ROOM, left: 3 };
  expect(describe(room, [256, 256], 1)).toBe(
    "264x256: the picture with its new sides. Width and Height are not used. Sides are rounded up to multiples of 8: 5 more on the left.",
  );
  expect(describe(room, [8192, 8], 1)).toBe("8200x8 is too large: 8192 a side is the largest.");
  expect(describe(room, null, 1)).toContain("Width and Height are not used");
});

test("the arrow outwards makes a side larger, and none makes it less than nothing", () => {
  const by = (/** @type {Side} */ side, /** @type {string} */ key, value = 64, shiftKey = false) => valueOfKey(side, value, { key, shiftKey });
  expect([by("left", "ArrowLeft"), by("left", "ArrowRight"), by("right", "ArrowRight"), by("right", "ArrowLeft")]).toEqual([72, 56, 72, 56]);
  expect([by("up", "ArrowUp"), by("up", "ArrowDown"), by("down", "ArrowDown"), by("down", "ArrowUp")]).toEqual([72, 56, 72, 56]);
  expect([by("left", "ArrowUp"), by("left", "ArrowDown"), by("down", "ArrowRight"), by("down", "ArrowLeft")]).toEqual([72, 56, 72, 56]);
  expect([by("left", "ArrowRight", 4), by("left", "ArrowLeft", 2048), by("left", "ArrowLeft", 64, true), by("up", "Home")]).toEqual([0, 2048, 128, 0]);
  expect([by("left", "q"), by("left", "Escape")]).toEqual([null, null]);
});

test("the picture lies inside its frame, and places on it stay its own pixels", () => {
  const { board, frame } = makeFrame();
  const { view } = board;
  frame.show(null, 1, "");
  const bare = [view.scale, view.x, view.y];
  frame.show({ left: 96, right: 0, up: 0, down: 64 }, 1, "192x128");
  expect(view.x).toBeGreaterThan(96 * view.scale);
  expect((view.x + 96 * view.scale) / 400).toBeLessThan(1);
  expect((view.y + 128 * view.scale) / 300).toBeLessThan(1);
  const event = /** @type {MouseEvent} */ ({ clientX: view.x + 10 * view.scale, clientY: view.y + 20 * view.scale });
  expect(view.toPicture(event)).toEqual({ x: expect.closeTo(10), y: expect.closeTo(20) });
  frame.show({ left: 48, right: 0, up: 0, down: 0 }, 0.5, "");
  expect(view.room.left).toBe(96);
  frame.show(null, 1, "");
  expect([view.scale, view.x, view.y]).toEqual(bare);
});

test("keys on an edge are one step of the canvas, which undo and redo go through", async () => {
  const { board, frame } = makeFrame();
  const steps = board.history.done.length;
  press(frame.edges.left, "ArrowLeft");
  press(frame.edges.left, "ArrowLeft", true);
  press(frame.edges.down, "ArrowDown");
  expect(frame.room).toEqual({ left: 72, right: 0, up: 0, down: 8 });
  expect(frame.edges.left.getAttribute("aria-valuenow")).toBe("72");
  expect(board.history.done.length).toBe(steps + 2);
  await board.history.undo();
  await board.history.undo();
  expect(frame.room).toEqual(NO_ROOM);
  await board.history.redo();
  await board.history.redo();
  expect(frame.room).toEqual({ left: 72, right: 0, up: 0, down: 8 });
});

test("a dragged edge follows the pointer in steps of eight and is one step", async () => {
  const { board, frame } = makeFrame();
  const steps = board.history.done.length;
  const { left } = frame.edges;
  const perPixel = 1 / board.view.scale;
  const at = (/** @type {string} */ name, /** @type {number} */ clientX) =>
    left.dispatchEvent(new PointerEvent(name, { clientX, clientY: 0, pointerId: 1, button: 0, bubbles: true, cancelable: true }));
  at("pointerdown", 0);
  at("pointermove", -20 / perPixel);
  at("pointermove", -43 / perPixel);
  expect(frame.room?.left).toBe(40);
  at("pointermove", 500);
  expect(frame.room?.left).toBe(0);
  at("pointermove", -31 / perPixel);
  at("pointerup", 0);
  at("pointermove", -100 / perPixel);
  expect(frame.room?.left).toBe(32);
  expect(board.history.done.length).toBe(steps + 1);
  await board.history.undo();
  expect(frame.room?.left).toBe(0);
});

// What a canvas holds after any work, and after taking it back: a board of the page with real surfaces.
import fc from "fast-check";
import { afterEach, expect, test, vi } from "vitest";
import { Board } from "../../../webui/ui/assets/js/canvas/board.js";
import { PaintStep } from "../../../webui/ui/assets/js/canvas/history.js";
import { contextOf, makeLayer, makeState, makeSurface } from "../../../webui/ui/assets/js/canvas/layers.js";
import { begin, commit, fillAt, fillOutline, invertPaint, wipe } from "../../../webui/ui/assets/js/canvas/paint.js";
import { COLOURS, makeBase, pixelsOf } from "./pictures.js";

const [WIDTH, HEIGHT] = [24, 16];

afterEach(() => vi.useRealTimers());

/** A canvas of the page with a white picture. */
function makeBoard() {
  // Keeping it in the browser's database comes later; there is none here.
  vi.useFakeTimers();
  const element = document.createElement("div");
  Object.assign(element.dataset, { name: "img2img_sketch", kind: "sketch" });
  const board = new Board(element, document.createElement("div"));
  board.replace(makeState(makeBase(WIDTH, HEIGHT, (context) => {
    context.fillStyle = "#ffffff";
    context.fillRect(0, 0, WIDTH, HEIGHT);
  })));
  return board;
}

/** @param {Board} board */
function look({ state }) {
  return JSON.stringify({
    hasPicture: Boolean(state.base),
    active: state.active,
    layers: state.layers.map(({ name, opacity, visible, surface }) => ({ name, opacity, visible, paint: [...pixelsOf(surface)] })),
  });
}

/**
 * @param {Board} board
 * @param {Point[]} points
 */
function draw(board, points) {
  const stroke = begin(board);
  for (const point of points) stroke?.extend(point);
  commit(board, stroke);
}

const point = fc.record({ x: fc.integer({ min: -4, max: WIDTH + 4 }), y: fc.integer({ min: -4, max: HEIGHT + 4 }) });
const points = fc.array(point, { minLength: 1, maxLength: 4 });
/** @type {fc.Arbitrary<(board: Board) => void>} */
const work = fc.oneof(
  points.map((along) => (/** @type {Board} */ board) => draw(board, along)),
  points.map((along) => (/** @type {Board} */ board) => fillOutline(board, along)),
  point.map((at) => (/** @type {Board} */ board) => fillAt(board, at)),
  fc.constantFrom(wipe, invertPaint),
  fc.constant((/** @type {Board} */ board) => board.addLayer()),
  fc.nat(9).map((at) => (/** @type {Board} */ board) => board.deleteLayer(board.state.layers[at % board.state.layers.length])),
  fc.double({ min: 0, max: 1, noNaN: true }).map((opacity) => (/** @type {Board} */ board) => board.set(board.state.layers[0], { opacity })),
);
const choice = fc.record({ colour: fc.constantFrom(...COLOURS), share: fc.integer({ min: 1, max: 100 }), opacity: fc.constantFrom(1, 0.5), tool: fc.constantFrom("brush", "eraser") });

test("undo shows what was there before each step, and redo what was after it", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(choice, work), { minLength: 1, maxLength: 8 }), async (steps) => {
      const board = makeBoard();
      const seen = [look(board)];
      const counts = [board.history.done.length];
      for (const [{ tool, ...brush }, act] of steps) {
        Object.assign(board, { tool, brush });
        act(board);
        // What changed nothing, a stroke beside the picture for instance, is no step.
        if (board.history.done.length === counts.at(-1)) continue;
        seen.push(look(board));
        counts.push(board.history.done.length);
      }
      for (const before of seen.slice(0, -1).reverse()) {
        await board.history.undo();
        expect(look(board)).toBe(before);
      }
      for (const after of seen.slice(1)) {
        await board.history.redo();
        expect(look(board)).toBe(after);
      }
    }),
    { numRuns: 60 },
  );
});

test("undo beyond the first step, and redo beyond the last, change nothing", async () => {
  const board = makeBoard();
  for (let press = 0; press < 3; press++) await board.history.undo();
  expect(board.state.base).toBeNull();
  for (let press = 0; press < 3; press++) await board.history.redo();
  expect(board.state.base?.width).toBe(WIDTH);
});

test("keys pressed faster than pictures are unpacked are taken one after the other", async () => {
  const board = makeBoard();
  const before = look(board);
  for (const y of [2, 6, 10]) draw(board, [{ x: 2, y }, { x: 20, y }]);
  const after = look(board);
  for (const step of board.history.done) await step.pack?.();
  void board.history.undo();
  void board.history.undo();
  await board.history.undo();
  expect(look(board)).toBe(before);
  void board.history.redo();
  void board.history.redo();
  await board.history.redo();
  expect(look(board)).toBe(after);
});

test("a step that cannot be taken back stays, and so do those before it", async () => {
  const board = makeBoard();
  const before = look(board);
  draw(board, [{ x: 5, y: 5 }, { x: 9, y: 5 }]);
  let failures = 1;
  board.history.add({
    undo: () => {
      if (failures-- > 0) throw new Error("no memory");
    },
    redo: () => {},
  });
  await expect(board.history.undo()).rejects.toThrow("no memory");
  await board.history.undo();
  await board.history.undo();
  expect(look(board)).toBe(before);
});

test("new paint forgets what was undone", async () => {
  const board = makeBoard();
  draw(board, [{ x: 5, y: 5 }, { x: 9, y: 5 }]);
  await board.history.undo();
  draw(board, [{ x: 9, y: 9 }, { x: 14, y: 9 }]);
  const after = look(board);
  await board.history.redo();
  expect(look(board)).toBe(after);
});

test("a step that was packed holds no memory and puts the same pixels back", async () => {
  const layer = makeLayer(WIDTH, HEIGHT, "Layer 1");
  const area = { x: 3, y: 2, width: 8, height: 8 };
  const piece = makeSurface(8, 8);
  contextOf(piece).fillStyle = "#2d6cdf";
  contextOf(piece).fillRect(1, 1, 4, 6);
  const step = new PaintStep(layer, area, makeSurface(8, 8), piece);
  await step.redo();
  const painted = [...pixelsOf(layer.surface)];
  await step.pack();
  expect(step.bytes).toBe(0);
  expect(step.after).toBeInstanceOf(Blob);
  await step.undo();
  expect(pixelsOf(layer.surface).some(Boolean)).toBe(false);
  await step.redo();
  expect([...pixelsOf(layer.surface)]).toEqual(painted);
});

test("a hidden layer takes no paint, and a sentence says so", () => {
  const board = makeBoard();
  board.set(board.state.layers[0], { visible: false });
  const said = /** @type {unknown[]} */ ([]);
  board.on("say", (sentence) => said.push(sentence));
  const before = look(board);
  draw(board, [{ x: 5, y: 5 }, { x: 9, y: 5 }]);
  expect(look(board)).toBe(before);
  expect(said).toEqual(["The chosen layer is hidden. Show it, or choose another."]);
});

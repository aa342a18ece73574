// The undo history of a prompt: every step back is where it was, typed runs are one step, and nothing is lost.
import fc from "fast-check";
import { expect, test } from "vitest";
import { TextHistory } from "../../../webui/ui/assets/js/typed/history.js";

/**
 * A text with the cursor at its end, or where it is said.
 * @param {string} text
 * @param {number} [cursor]
 */
function showing(text, cursor = text.length) {
  return { text, start: cursor, end: cursor };
}

/**
 * Types letters one by one, as an artist does.
 * @param {TextHistory} history
 * @param {string} letters
 */
function typeInto(history, letters) {
  for (const letter of letters) {
    const { text, start } = history.shown;
    history.write(showing(text.slice(0, start) + letter + text.slice(start), start + 1), 1, "insert");
  }
}

test("a run of letters is one step, and goes and comes as one", () => {
  const history = new TextHistory(showing(""));
  typeInto(history, "a red fox");
  expect(history.undo()?.text).toBe("");
  expect(history.undo()).toBeNull();
  expect(history.redo()?.text).toBe("a red fox");
  expect(history.redo()).toBeNull();
});

test.each([
  ["the cursor moved", (/** @type {TextHistory} */ history) => history.select(1, 1)],
  ["something was erased", (/** @type {TextHistory} */ history) => history.write(showing("a"), 2, "erase")],
  ["a script wrote", (/** @type {TextHistory} */ history) => history.write(showing("(ab:1.1)"), 2)],
  ["a step was taken back and done again", (/** @type {TextHistory} */ history) => void (history.undo(), history.redo())],
])("typing is a new step once %s", (_, happen) => {
  const history = new TextHistory(showing(""));
  typeInto(history, "ab");
  happen(history);
  const between = history.shown.text;
  typeInto(history, "cd");
  expect(history.undo()?.text).toBe(between);
});

test("a step back shows the selection that was there before it", () => {
  const history = new TextHistory(showing("a fox"));
  history.select(2, 5);
  history.write({ text: "a (fox:1.1)", start: 3, end: 6 }, 1);
  expect(history.undo()).toEqual({ text: "a fox", start: 2, end: 5 });
  expect(history.redo()).toEqual({ text: "a (fox:1.1)", start: 3, end: 6 });
});

test("what scripts write at one press is one step, at two presses two, and the same text is none", () => {
  const history = new TextHistory(showing("a"));
  history.write(showing("b"), 1);
  history.write(showing("c"), 1);
  history.write(showing("d"), 2);
  history.write(showing("d"), 3);
  expect([history.undo()?.text, history.undo()?.text, history.undo()]).toEqual(["c", "a", null]);
});

test("what a script writes at the press of a typed letter is a step of its own", () => {
  const history = new TextHistory(showing(""));
  typeInto(history, "ab");
  history.write(showing("written"), 1);
  expect(history.undo()?.text).toBe("ab");
});

test("steps of one press in several boxes have its number", () => {
  const boxes = [new TextHistory(showing("a")), new TextHistory(showing("b"))];
  for (const box of boxes) box.write(showing(""), 7);
  expect(boxes.map((box) => box.lastAction)).toEqual([7, 7]);
  for (const box of boxes) box.undo();
  expect(boxes.map((box) => [box.lastAction, box.nextAction])).toEqual([[0, 7], [0, 7]]);
});

test("much text is forgotten from its beginning, never what is shown", () => {
  const history = new TextHistory(showing(""));
  const book = "x".repeat(1_500_000);
  for (const [press, letter] of [..."abcd"].entries()) history.write(showing(letter + book), press);
  let steps = 0;
  while (history.undo()) steps += 1;
  expect(steps).toBeGreaterThanOrEqual(1);
  expect(steps).toBeLessThan(4);
  while (history.redo());
  expect(history.shown.text).toBe(`d${book}`);
});

const write = fc.record({
  what: fc.constant(/** @type {const} */ ("write")),
  text: fc.string({ maxLength: 6 }),
  kind: fc.constantFrom("", "", "insert", "erase"),
});
const command = fc.oneof(
  write,
  fc.record({ what: fc.constantFrom(/** @type {const} */ ("undo"), /** @type {const} */ ("redo")) }),
);

test("whatever happened, all steps back lead to the beginning, and all again to the end", () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
      const history = new TextHistory(showing("first"));
      for (const each of commands) {
        if (each.what === "write") history.write(showing(each.text), 1, each.kind);
        else history[each.what]();
      }
      // What is still to be done again is the end, not what is shown.
      while (history.redo());
      const end = history.shown;
      let steps = 0;
      while (history.undo()) steps += 1;
      expect(history.shown.text).toBe("first");
      for (let step = 0; step < steps; step++) expect(history.redo()).not.toBeNull();
      expect(history.shown).toEqual(end);
      expect(history.redo()).toBeNull();
    }),
  );
});

test("without typed runs it is a plain list of texts with a place in it", () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
      const history = new TextHistory(showing("first"));
      let press = 0;
      let texts = ["first"];
      let at = 0;
      for (const each of commands) {
        if (each.what === "undo") at = (history.undo(), Math.max(0, at - 1));
        if (each.what === "redo") at = (history.redo(), Math.min(texts.length - 1, at + 1));
        if (each.what === "write" && "text" in each) {
          history.write(showing(each.text), ++press);
          if (each.text !== texts[at]) texts = [...texts.slice(0, ++at), each.text];
        }
        expect(history.shown.text).toBe(texts[at]);
      }
    }),
  );
});

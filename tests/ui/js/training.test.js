// The tab "Train", as far as it needs no page: names, portions, filters, settings, logs, scales and strips.
import { expect, test } from "vitest";
import fc from "fast-check";
import { arrange, neighbour } from "../../../webui/ui/assets/js/training/arrange.js";
import { askedRun, changedFields, labelOf, missingOf, sectionsOf } from "../../../webui/ui/assets/js/training/asked.js";
import { inOrder, isShown, targetOf, writtenCaption, writtenTags } from "../../../webui/ui/assets/js/training/filters.js";
import { commonStem, freeName, isForDataSet, nameFor, plainName, portions, runNameFor, sentenceOfAdding, triggerFor, withoutTop } from "../../../webui/ui/assets/js/training/intake.js";
import { askAfter, mergeLog } from "../../../webui/ui/assets/js/training/log.js";
import { linearScale, logScale, logTicks, nearest, pathOf, rangeOf, roundTicks, stepsShown } from "../../../webui/ui/assets/js/training/scales.js";
import { readInput, Setting } from "../../../webui/ui/assets/js/training/setting.js";
import { durationText, numberText } from "../../../webui/ui/assets/js/training/words.js";

/** @param {...string} paths */
const dropped = (...paths) => paths.map((path) => ({ path, file: new File(["x"], path.split("/").at(-1) ?? "") }));
/** @param {number} step @param {number} [loss] @returns {LogLine} */
const line = (step, loss = 0.1) => ({ step, loss, average_loss: loss, rates: {} });
/** @param {string} file @param {string} caption @param {string[]} [warnings] @returns {Example} */
const example = (file, caption, warnings = []) =>
  ({ file, caption, warnings, width: 64, height: 64, repeats: 1, is_regularisation: false, mask: false });

test("a data set is named after its folder, its zip, or what its files share, and never as another", () => {
  expect(nameFor(dropped("red house/a.png", "red house/b.png"), [])).toBe("red house");
  expect(nameFor(dropped("10_fox/a.png", "10_fox/b.png"), [])).toBe("fox");
  expect(nameFor(dropped("fox.zip"), ["Fox", "fox 2"])).toBe("fox 3");
  expect(nameFor(dropped("vixen-1.png", "vixen-2.png", "vixen-1.txt"), [])).toBe("vixen");
  expect(nameFor(dropped("IMG_2011.jpg", "IMG_2012.jpg"), [])).toBe("pictures");
  expect(nameFor(dropped("a.png", "b.png"), [])).toBe("pictures");
  expect(plainName("../../etc/passwd")).toBe("etc passwd");
  expect(commonStem(dropped("only.png"))).toBe("");
});

test("a name that is free stays, whatever names are taken", () => {
  fc.assert(fc.property(fc.string({ minLength: 1 }), fc.array(fc.string()), (wanted, taken) => {
    const lower = taken.map((each) => each.toLowerCase());
    const name = freeName(wanted, taken);
    return !lower.includes(name.toLowerCase()) && (lower.includes(wanted.toLowerCase()) || name === wanted);
  }));
});

test("the trigger is a word that captions share, or one that no prompt has by chance", () => {
  expect(triggerFor("red house", [])).toBe("redhouse");
  expect(triggerFor("fox", ["", "a fox"])).toBe("myfox");
  expect(triggerFor("fox", ["vixn, sitting", "vixn, running"])).toBe("vixn");
  expect(triggerFor("fox", ["red fox, sitting", "red fox, running"])).toBe("myfox");
  expect(triggerFor("pictures", ["a zorblat in a meadow", "a zorblat at the sea, watercolour"])).toBe("zorblat");
  expect(triggerFor("…", [])).toBe("");
  expect(runNameFor("pictures", "zorblat")).toBe("zorblat");
  expect(runNameFor("pictures 2", "zorblat")).toBe("zorblat");
  expect(runNameFor("pictures", "")).toBe("pictures");
  expect(runNameFor("pictures of Ann", "ann")).toBe("pictures of Ann");
});

test("pictures, captions, tables and zips are for a data set, models are not", () => {
  const names = ["a.png", "a.JPEG", "a.txt", "a.caption", "set.toml", "all.zip"];
  expect(names.filter((name) => !isForDataSet({ name }))).toEqual([]);
  expect(isForDataSet({ name: "scan", type: "image/x-odd" })).toBe(true);
  expect(["a.safetensors", "a.exe", "a"].filter((name) => isForDataSet({ name }))).toEqual([]);
});

test("files are sent in portions, each once", () => {
  const files = dropped(...Array.from({ length: 30 }, (_, index) => `p-${index}.png`));
  const sent = portions(files);
  expect(sent.length).toBe(3);
  expect(new Set(sent.flat())).toEqual(new Set(files));
  const large = dropped("a.png", "b.png");
  for (const { file } of large) Object.defineProperty(file, "size", { value: 40 * 2 ** 20 });
  expect(portions(large).length).toBe(2);
});

test("the top folder gives its name away, unless it tells repeats", () => {
  expect(withoutTop(dropped("fox/a.png", "fox/b/c.png")).map(({ path }) => path)).toEqual(["a.png", "b/c.png"]);
  expect(withoutTop(dropped("10_fox/a.png")).map(({ path }) => path)).toEqual(["10_fox/a.png"]);
  expect(withoutTop(dropped("a.png", "fox/b.png")).map(({ path }) => path)).toEqual(["a.png", "fox/b.png"]);
});

test("what was left out is told with its reason", () => {
  expect(sentenceOfAdding({ added: ["a.png", "a.txt"], skipped: [] })).toBe("1 picture added.");
  const skipped = ["b", "c", "d", "e"].map((name) => ({ name: `${name}.png`, why: "it is damaged." }));
  const words = sentenceOfAdding({ added: ["a.png"], skipped });
  expect(words).toContain("b.png it is damaged;");
  expect(words).toContain("and 1 more");
});

test("filters show what they say, and changes are for chosen, shown or all pictures", () => {
  const all = [example("a", "fox, Snow"), example("b", "", ["It is blurred."]), example("c", "fox")];
  const duplicates = [["a", "c"]];
  /** @param {import("../../../webui/ui/assets/js/training/filters.js").Filter} filter */
  const shown = (filter) => all.filter((each) => isShown(each, filter, duplicates)).map(({ file }) => file);
  expect(shown({ kind: "all" })).toEqual(["a", "b", "c"]);
  expect(shown({ kind: "bare" })).toEqual(["b"]);
  expect(shown({ kind: "warned" })).toEqual(["b"]);
  expect(shown({ kind: "alike" })).toEqual(["a", "c"]);
  expect(shown({ kind: "tag", tag: "snow" })).toEqual(["a"]);
  expect(targetOf(all, [], { kind: "all" }, duplicates)).toEqual({ words: "in all 3" });
  expect(targetOf(all, [], { kind: "tag", tag: "fox" }, duplicates).files).toEqual(["a", "c"]);
  expect(targetOf(all, ["b"], { kind: "tag", tag: "fox" }, duplicates).files).toEqual(["b"]);
});

test("a file's name is no caption, and no tag, unless somebody wrote it too", () => {
  const data = /** @type {DataSet} */ (/** @type {unknown} */ ({
    examples: [example("b/fox-10.png", "fox-10"), example("fox-2.png", "fox-10, snow")],
    tags: [{ tag: "fox-10", count: 2 }, { tag: "snow", count: 1 }],
  }));
  expect(data.examples.map(writtenCaption)).toEqual(["", "fox-10, snow"]);
  expect(writtenTags(data)).toEqual([{ tag: "fox-10", count: 1 }, { tag: "snow", count: 1 }]);
  const ordered = inOrder([example("fox-10", ""), { ...example("a", ""), is_regularisation: true }, example("fox-2", "")]);
  expect(ordered.map(({ file }) => file)).toEqual(["fox-2", "fox-10", "a"]);
});

test("what the preset decides, and what a method does not use, is not asked for", () => {
  const run = { method: "lora", name: "fox", data: "fox", rank: 8, vectors: 3, rate: null, flip: false, trigger: "" };
  expect(askedRun(run, ["rank", "rate", "flip"])).toEqual({ method: "lora", name: "fox", data: "fox", rank: 8, flip: false });
  expect(changedFields(run, ["rank", "rate", "flip", "trigger"])).toEqual(["rank", "flip"]);
});

test("what is missing is said in the order in which it is done", () => {
  expect(missingOf({})?.field).toBe("data");
  expect(missingOf({ data: "fox" })?.field).toBe("checkpoint");
  expect(missingOf({ data: "fox", checkpoint: "a" })?.field).toBe("name");
  expect(missingOf({ data: "fox", checkpoint: "a", name: "fox" })).toBeNull();
});

test("settings stand in their sections, and one without a section with the last", () => {
  const field = (/** @type {string} */ name, /** @type {string | undefined} */ section) => ({ name, schema: section ? { section } : {} });
  const fields = [field("memory", undefined), field("steps", "Learning"), field("trigger", "Captions"), field("precision", "Speed and memory")];
  const sections = sectionsOf(fields, ["memory", "steps", "trigger", "precision"]);
  expect([...sections].map(([title, own]) => [title, own.map(({ name }) => name)]))
    .toEqual([["Learning", ["steps"]], ["Speed and memory", ["memory", "precision"]]]);
  expect(labelOf("min_snr_gamma")).toBe("Min SNR gamma");
});

/** @param {Record<string, unknown>} given @returns {import("../../../webui/ui/assets/js/parts/schema.js").Field} */
const fieldOf = (given) => /** @type {any} */ ({ name: "rank", label: "Rank", about: "", kind: "number", schema: { type: "integer" }, min: 1, max: 8, ...given });

test("an empty setting is the preset's; a changed one is marked and can be reset", () => {
  /** @type {unknown[]} */
  const told = [];
  const setting = new Setting(fieldOf({}), (value) => told.push(value));
  setting.show(null, 16, "a character needs it");
  expect(setting.input.getAttribute("placeholder")).toBe("16");
  expect(setting.reset.hidden).toBe(true);
  expect(setting.about.textContent).toContain("A character needs it.");
  setting.input.value = "4";
  setting.input.onchange?.(/** @type {any} */ (new Event("change")));
  setting.show(4, 16, "a character needs it");
  expect(setting.element.classList.contains("changed")).toBe(true);
  expect(setting.about.textContent).toContain("Preset: 16");
  setting.reset.click();
  expect(told).toEqual([4, null]);
});

test("what is no such number is refused with a sentence, and not told", () => {
  const input = document.createElement("input");
  for (const [text, value] of /** @type {[string, unknown][]} */ ([["3", 3], ["", null]])) {
    input.value = text;
    expect(readInput(fieldOf({}), input)).toEqual({ value });
  }
  for (const text of ["9", "1.5", "x"]) {
    input.value = text;
    expect(readInput(fieldOf({}), input).wrong).toBe("Rank is a whole number from 1 to 8.");
  }
  input.value = "1, 2 1";
  expect(readInput(fieldOf({ kind: "lines", item: { type: "number" } }), input).value).toEqual([1, 2, 1]);
});

test("fresh lines follow the known ones, also where a run went back to a state", () => {
  expect(mergeLog([line(1), line(2)], [line(3)]).map(({ step }) => step)).toEqual([1, 2, 3]);
  const after = mergeLog([line(1), line(2), line(3)], [line(2, 0.5), line(3, 0.5)]);
  expect(after.map(({ step, loss }) => [step, loss])).toEqual([[1, 0.1], [2, 0.5], [3, 0.5]]);
  expect(askAfter([], 0)).toBe(-1);
  expect(askAfter([line(5)], 7)).toBe(5);
  expect(askAfter([line(9)], 4)).toBe(-1);
});

test("a long log grows no longer than a plot can show, and keeps its newest lines", () => {
  const many = mergeLog([], Array.from({ length: 30_000 }, (_, index) => line(index + 1)));
  expect(many.length).toBeLessThanOrEqual(4000);
  expect(many.at(-1)?.step).toBe(30_000);
  expect(many.every(({ step }, at) => !at || step > many[at - 1].step)).toBe(true);
});

test("a plot goes over the whole run, and over less of one that has hardly begun", () => {
  expect(stepsShown(1, 1)).toBe(2);
  fc.assert(fc.property(fc.integer({ min: 1, max: 1e6 }), fc.integer({ min: 1, max: 1e6 }), (done, steps) => {
    const shown = stepsShown(done, steps);
    expect(shown).toBeGreaterThanOrEqual(done);
    if (steps > done) expect(shown).toBeLessThanOrEqual(steps);
    // What was done takes half of the plot, but for the first ten steps and the end of the run.
    if (done >= 10 && 2 * done <= steps) expect(shown).toBe(2 * done);
    if (2 * done > steps && steps >= 20) expect(shown).toBe(Math.max(steps, done));
  }));
});

test("ticks are round, within the range, and as far apart", () => {
  expect(roundTicks(0, 800, 4)).toEqual([0, 200, 400, 600, 800]);
  expect(roundTicks(0, 0.3, 3)).toEqual([0, 0.1, 0.2, 0.3]);
  expect(logTicks(0.02, 0.3)).toEqual([0.02, 0.05, 0.1, 0.2]);
  const range = fc.tuple(fc.double({ min: 0, max: 1e6, noNaN: true }), fc.double({ min: 1e-6, max: 1e6, noNaN: true }));
  fc.assert(fc.property(range, ([low, span]) => {
    const ticks = roundTicks(low, low + span, 4);
    const room = (low + span) * 1e-6;
    return ticks.length <= 12 && ticks.every((tick) => tick >= low - room && tick <= low + span + room);
  }));
});

test("scales put the ends at the ends, and larger values further up", () => {
  for (const scale of [linearScale(2, 8, 100, 0), logScale(2, 8, 100, 0)]) {
    expect([scale.at(2), scale.at(8)].map(Math.round)).toEqual([100, 0]);
    expect(scale.at(4)).toBeLessThan(scale.at(3));
  }
  expect(Math.round(logScale(2, 8, 100, 0).at(4))).toBe(50);
  expect(rangeOf([Number.NaN, 0.2], false)[0]).toBe(0);
  expect(rangeOf([0, 0.1], true)[0]).toBeGreaterThan(0);
  expect(rangeOf([], false)).toEqual([0, 1]);
});

test("the nearest point is as near as any", () => {
  fc.assert(fc.property(fc.uniqueArray(fc.nat(1000), { minLength: 1 }), fc.integer({ min: -50, max: 1050 }), (steps, at) => {
    const points = steps.toSorted((one, other) => one - other).map((step) => ({ step }));
    const found = points[nearest(points, at)];
    return points.every(({ step }) => Math.abs(found.step - at) <= Math.abs(step - at));
  }));
  expect(nearest([], 3)).toBe(-1);
});

test("a line breaks where a loss is no number", () => {
  expect(pathOf([[0, 1], [1, 2], [2, Number.NaN], [3, 4]])).toBe("M0.0 1.0L1.0 2.0M3.0 4.0");
});

test("samples are rows of prompts and columns of steps, with gaps where one is not made yet", () => {
  const sample = (/** @type {number} */ step, /** @type {number} */ prompt) => ({ step, prompt, text: `prompt ${prompt}`, url: `${step}-${prompt}` });
  const strips = arrange([sample(100, 0), sample(0, 0), sample(0, 1), sample(200, 1)]);
  expect(strips.steps).toEqual([0, 100, 200]);
  expect(strips.rows.map(({ cells }) => cells.map((cell) => cell?.url ?? null))).toEqual([["0-0", "100-0", null], ["0-1", null, "200-1"]]);
  expect(neighbour(strips, sample(0, 1), "ArrowRight").url).toBe("200-1");
  expect(neighbour(strips, sample(0, 1), "ArrowUp").url).toBe("0-0");
  expect(neighbour(strips, sample(200, 1), "ArrowRight").url).toBe("200-1");
});

test("times and numbers are said shortly", () => {
  expect([8, 125, 3780, 1500].map(durationText)).toEqual(["8 s", "2 min 5 s", "1 h 3 min", "25 min"]);
  expect([0.0001, 0.12345, 0, 1234].map(numberText)).toEqual(["1e-4", "0.123", "0", "1230"]);
  expect(numberText(Number.NaN)).toBe("no number");
});

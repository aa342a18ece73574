// What a checkpoint's defaults may fill in, and what counts as touched.
import fc from "fast-check";
import { expect, test } from "vitest";
import { NAMES, decide, filled, modelIn, offersFor, shownIn, wantedIn } from "../../../webui/ui/assets/js/defaults/deciding.js";
import { describe as words, valuesToKeep } from "../../../webui/ui/assets/js/defaults/keeping.js";

const FIELDS = {
  width: 512,
  height: 512,
  steps: 20,
  cfg_scale: 7,
  sampler: "DPM++ 2M",
  schedule: "Automatic",
  override_settings: ["ENSD: 5"],
};
const XL = { width: 1024, height: 1024, steps: 30, cfg_scale: 5.5, sampler: "Euler a", schedule: "Karras", clip_skip: 2 };
const shown = shownIn(FIELDS);
const wanted = wantedIn(XL, 1);
const anyShown = fc.record(Object.fromEntries(NAMES.map((name) => [name, fc.constantFrom("a", "b", "c")])));

/** @param {Partial<import("../../../webui/ui/assets/js/defaults/deciding.js").State>} changes */
function stateOf(changes = {}) {
  return { card: "sd1", before: shown, touched: [], ...changes };
}

test("what the defaults filled in last is filled in again, all of it", () => {
  const { fill, touched } = decide(shown, stateOf(), wanted);
  expect(fill).toEqual(wanted);
  expect(touched).toEqual([]);
  expect(filled(FIELDS, fill)).toEqual({
    ...XL,
    clip_skip: undefined,
    override_settings: ["ENSD: 5", "Clip skip: 2"],
  });
});

test("a value that was changed stays, and a size is one thing", () => {
  const changed = shownIn({ ...FIELDS, width: 640 });
  const { fill, touched } = decide(changed, stateOf(), wanted);
  expect(fill.size).toBeUndefined();
  expect(touched).toEqual(["size"]);
  expect(offersFor({ ...changed, ...fill }, wanted)).toEqual(["size"]);
});

test("a value that was typed stays though it is the default", () => {
  const { fill } = decide(shown, stateOf({ touched: ["steps"] }), wanted);
  expect(fill.steps).toBeUndefined();
  expect(fill.size).toBe("1024×1024");
});

test("fields that came with the name of a checkpoint stay as they came", () => {
  const { fill, touched } = decide(shown, stateOf(), wanted, { keepAll: true });
  expect(fill).toEqual({});
  expect(touched).toEqual(NAMES);
});

test("a form of which nothing is known is touched where it differs", () => {
  const { touched } = decide(shown, stateOf({ before: null }), { ...wanted, steps: "20" });
  expect(touched).not.toContain("steps");
  expect(touched).toContain("size");
});

test("whatever happened, only what is not touched is filled in, and only with what is wanted", () => {
  fc.assert(fc.property(anyShown, fc.option(anyShown), anyShown, fc.subarray(NAMES), (now, before, next, typed) => {
    const { fill, touched } = decide(now, { card: "x", before, touched: typed }, next);
    for (const name of NAMES) {
      if (fill[name] !== undefined) {
        expect(fill[name]).toBe(next[name]);
        expect(touched).not.toContain(name);
        if (before) expect(now[name]).toBe(before[name]);
      }
    }
    expect(touched).toEqual(expect.arrayContaining(typed));
    const after = { ...now, ...fill };
    for (const name of offersFor(after, next)) expect(touched).toContain(name);
  }));
});

test("a clip skip is a chip among the override settings, which goes again", () => {
  const chips = filled(FIELDS, { clip_skip: "2" });
  expect(shownIn(chips).clip_skip).toBe("2");
  expect(filled(chips, { clip_skip: "" }).override_settings).toEqual(["ENSD: 5"]);
  expect(wantedIn({ clip_skip: 2 }, 2).clip_skip).toBe("");
});

test("the checkpoint of a text is found among the override settings", () => {
  expect(modelIn(["Clip skip: 2", "Model: a b.safetensors"])).toBe("a b.safetensors");
  expect(modelIn(["Model hash: 0123456789"])).toBe("0123456789");
  expect(modelIn(null)).toBeNull();
});

test("what is kept has the clip skip of the form, else of the settings, and a chosen VAE", () => {
  const kept = valuesToKeep({ ...FIELDS, override_settings: ["Clip skip: 3"] }, { clipSkip: 1, vae: "x.pt" });
  expect(kept).toMatchObject({ steps: 20, clip_skip: 3, vae: "x.pt" });
  expect(words(kept)).toBe("512×512, 20 steps, CFG 7, DPM++ 2M, Automatic, clip skip 3, VAE x.pt");
  expect(valuesToKeep(FIELDS, { clipSkip: 1, vae: "Automatic" })).not.toHaveProperty("vae");
});

// ControlNet's units and skeletons: what fits together, and what is done to poses.
import fc from "fast-check";
import { expect, test, vi } from "vitest";
import {
  blankUnit, chooseModel, chooseModule, chooseType, modelsFor, modulesFor, pixelPerfect, problemOf, readUnits, typeOf, writeUnits,
} from "../../../extensions/controlnet/javascript/units.js";
import {
  BONES, JOINTS, LIMBS, PoseHistory, addPerson, boundsOf, draw, emptyPose, fromJson, hideJoint, mirrorPerson, moveJoint, movePerson, nameOf,
  removePerson, scalePerson, showJoint, toJson, toggleHand,
} from "../../../extensions/controlnet/javascript/skeleton.js";
import { batchBox, describeBatch, picturesAmong } from "../../../extensions/controlnet/javascript/batch.js";
import { Units } from "../../../extensions/controlnet/javascript/mount.js";

/** @type {(name: string, types: string[], more?: object) => any} */
const module = (name, types, more = {}) => ({ name, types, about: name, model_free: false, sliders: [null, null, null], missing: [], ...more });
/** @type {(title: string, types: string[], reason?: string | null) => any} */
const model = (title, types, reason = null) => ({ title, types, reason, kind: "controlnet", family: "SD1" });
const UNION_TYPES = ["Canny", "Depth", "OpenPose", "Lineart", "SoftEdge", "Tile"];
/** @type {any} */
const OFFERS = {
  modules: [module("none", []), module("canny", ["Canny"]), module("depth_midas", ["Depth"]), module("reference_only", ["Reference"], { model_free: true })],
  models: [model("sd15_canny", ["Canny"]), model("xl_canny", ["Canny"], "It is for SDXL, but the checkpoint is SD1."), model("union", UNION_TYPES)],
  types: {
    All: { default_option: "none" }, Canny: { default_option: "canny" }, Depth: { default_option: "depth_midas" }, Reference: { default_option: "reference_only" },
  },
  family: "SD1",
};
const person = () => addPerson(emptyPose(512, 768));

test("untouched units at the end are left out, and what is not known stays", () => {
  expect(writeUnits([blankUnit(), blankUnit()])).toEqual({ units: [] });
  const used = { ...blankUnit(), module: "canny" };
  expect(writeUnits([blankUnit(), used, blankUnit()]).units).toHaveLength(2);
  const [read] = readUnits(/** @type {any} */ ({ units: [{ model: "x", batch_images: ["a"] }] }));
  expect(read).toMatchObject({ model: "x", enabled: true, batch_images: ["a"], weight: 1 });
  expect(readUnits(null)).toEqual([blankUnit()]);
});

test("a control type filters both lists, and what cannot be used is told apart", () => {
  expect(modulesFor(OFFERS, "Canny").map(({ name }) => name)).toEqual(["none", "canny"]);
  const { offered, refused } = modelsFor(OFFERS, "Canny");
  expect(offered.map(({ title }) => title)).toEqual(["sd15_canny", "union"]);
  expect(refused.map(({ title }) => title)).toEqual(["xl_canny"]);
  expect(modelsFor(OFFERS, "All").offered).toHaveLength(2);
});

test("choosing a type chooses what belongs to it, never what cannot be used", () => {
  expect(chooseType(OFFERS, "Canny")).toMatchObject({ module: "canny", model: "sd15_canny", control_type: "" });
  // A network that takes every sort is told which.
  expect(chooseType(OFFERS, "Depth")).toMatchObject({ module: "depth_midas", model: "union", control_type: "depth" });
  expect(chooseType(OFFERS, "Reference")).toMatchObject({ module: "reference_only", model: "None" });
  expect(chooseModel(OFFERS, "union", "All").control_type).toBe("");
  expect(chooseModule("canny")).toMatchObject({ threshold_a: -1, threshold_b: -1, processor_res: -1 });
});

test("a unit's type is told by its choices", () => {
  expect(typeOf(OFFERS, { ...blankUnit(), control_type: "depth" })).toBe("Depth");
  expect(typeOf(OFFERS, { ...blankUnit(), module: "canny" })).toBe("Canny");
  expect(typeOf(OFFERS, { ...blankUnit(), model: "sd15_canny" })).toBe("Canny");
  expect(typeOf(OFFERS, blankUnit())).toBe("All");
});

test("a unit says what keeps it from acting", () => {
  const unit = { ...blankUnit(), enabled: true, image: "a", module: "canny", model: "sd15_canny" };
  expect(problemOf(OFFERS, unit)).toBe("");
  expect(problemOf(OFFERS, { ...unit, image: null })).toContain("Drop a picture");
  expect(problemOf(OFFERS, { ...unit, model: "None" })).toContain("Choose a model");
  expect(problemOf(OFFERS, { ...unit, model: "None", module: "reference_only" })).toBe("");
  expect(problemOf(OFFERS, { ...unit, model: "xl_canny" })).toContain("SDXL");
  expect(problemOf(OFFERS, { ...unit, guidance_start: 0.8, guidance_end: 0.5 })).toContain("no step");
  expect(problemOf(OFFERS, { ...unit, weight: 0 })).toContain("weight of 0");
  expect(problemOf(OFFERS, { ...unit, enabled: false, image: null })).toBe("");
});

test("pixel perfect is the server's resolution", () => {
  expect(pixelPerfect({ width: 1000, height: 500 }, { width: 512, height: 512 }, "Crop and Resize")).toBe(512);
  expect(pixelPerfect({ width: 1000, height: 500 }, { width: 512, height: 512 }, "Resize and Fill")).toBe(256);
  expect(pixelPerfect({ width: 512, height: 512 }, { width: 512, height: 768 }, "Just Resize")).toBe(768);
});

test("units are tabs that arrows move between, and are added and removed", async () => {
  vi.stubGlobal("fetch", async () => Response.json({ detail: "Not now." }, { status: 503 }));
  const element = document.createElement("div");
  document.body.replaceChildren(element);
  /** @type {any[]} */
  const told = [];
  const units = new Units(element, null, (value) => told.push(value), { tab: "img2img" });
  await vi.waitFor(() => expect(element.querySelector("[role=alert]")?.textContent).toBe("Not now."));
  const tabs = () => [...element.querySelectorAll("[role=tab]")];
  /** @type {HTMLElement} */ (element.querySelector(".cn-add")).click();
  expect(tabs().map((tab) => tab.getAttribute("aria-selected"))).toEqual(["false", "true"]);
  tabs()[1].dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight" }));
  expect(tabs().map((tab) => tab.getAttribute("aria-selected"))).toEqual(["true", "false"]);
  units.update({ units: [{ module: "canny" }, { module: "tile_resample" }, { enabled: false }] });
  expect(tabs()).toHaveLength(3);
  expect(tabs()[0].textContent).toContain("on");
  // A picture that arrives after its unit was removed changes no other.
  const [first] = units.keys;
  /** @type {HTMLElement} */ (element.querySelector(".cn-remove")).click();
  units.change(first, { image: "late" });
  expect(told.at(-1).units.map((/** @type {any} */ unit) => unit.module)).toEqual(["tile_resample"]);
  expect(told.at(-1).units[0].image).toBeNull();
  units.destroy();
  vi.unstubAllGlobals();
});

test("a new person stands within the canvas, and each beside the others", () => {
  let pose = emptyPose(512, 768);
  for (let count = 0; count < 5; count += 1) pose = addPerson(pose);
  const lefts = pose.people.map((each) => boundsOf(each).left);
  expect(new Set(lefts.map(Math.round)).size).toBe(5);
  const { left, right, top, bottom } = boundsOf(person().people[0]);
  expect(left).toBeGreaterThan(0);
  expect(right).toBeLessThan(512);
  expect(top).toBeGreaterThan(0);
  expect(bottom).toBeLessThan(768);
  expect(removePerson(pose, 2).people.map((each) => boundsOf(each).left)).toEqual(lefts.filter((_, index) => index !== 2));
});

test("a moved joint moves alone, but a wrist takes its hand along", () => {
  const pose = toggleHand(person(), 0, "left");
  const wrist = JOINTS.indexOf("left wrist");
  const before = pose.people[0];
  const at = /** @type {[number, number]} */ (before.body[wrist]);
  const after = moveJoint(pose, { person: 0, part: "body", joint: wrist }, [at[0] + 10, at[1] - 5]).people[0];
  expect(after.body.filter((joint, index) => joint !== before.body[index])).toHaveLength(1);
  const [hand, moved] = /** @type {[number, number][][]} */ ([before.left, after.left]);
  moved.forEach((joint, index) => {
    const [x, y] = hand[index];
    expect(joint[0]).toBeCloseTo(x + 10);
    expect(joint[1]).toBeCloseTo(y - 5);
  });
  expect(toggleHand(pose, 0, "left").people[0].left).toBeNull();
  // The hand's own wrist lies upon the arm's, and is what a pointer meets.
  const root = /** @type {[number, number]} */ (/** @type {[number, number][]} */ (before.left)[0]);
  const again = moveJoint(pose, { person: 0, part: "left", joint: 0 }, [root[0] + 10, root[1] - 5]).people[0];
  expect(again).toEqual(after);
  // A finger moves alone.
  const finger = moveJoint(pose, { person: 0, part: "left", joint: 4 }, [1, 2]).people[0];
  expect(finger.body).toEqual(before.body);
  expect(finger.left?.filter((joint, index) => joint !== before.left?.[index])).toEqual([[1, 2]]);
});

test("mirroring twice gives the pose back, and once changes the sides", () => {
  const pose = moveJoint(toggleHand(person(), 0, "right"), { person: 0, part: "body", joint: 4 }, [40, 50]);
  const once = mirrorPerson(pose, 0).people[0];
  expect(once.left).not.toBeNull();
  expect(once.right).toBeNull();
  expect(once.body[7]?.[1]).toBe(50);
  const twice = mirrorPerson(mirrorPerson(pose, 0), 0).people[0];
  twice.body.forEach((joint, index) => expect(joint?.[0]).toBeCloseTo(pose.people[0].body[index]?.[0] ?? NaN));
});

test("a face goes with its nose, and with the whole person", () => {
  const pose = person();
  pose.people[0].face = [[250, 90], null, [260, 95]];
  const nose = /** @type {[number, number]} */ (pose.people[0].body[0]);
  const moved = moveJoint(pose, { person: 0, part: "body", joint: 0 }, [nose[0] + 7, nose[1] - 3]);
  expect(moved.people[0].face).toEqual([[257, 87], null, [267, 92]]);
  expect(movePerson(pose, 0, 10, 20).people[0].face).toEqual([[260, 110], null, [270, 115]]);
  expect(mirrorPerson(mirrorPerson(pose, 0), 0).people[0].face?.[0]?.[0]).toBeCloseTo(250);
});

test("a batch is the pictures of a folder, by name, and says what it does", () => {
  const files = ["b/10.png", "b/9.png", "b/notes.txt", "b/.hidden.png"].map((path) => {
    const name = path.slice(2);
    return /** @type {any} */ ({ name, webkitRelativePath: path, type: name.endsWith("png") ? "image/png" : "text/plain" });
  });
  expect(picturesAmong(files).map(({ name }) => name)).toEqual(["9.png", "10.png"]);
  expect([0, 1, 12].map(describeBatch)).toEqual(["", "1 picture in place of the one above.", "12 pictures in place of the one above: one result for each."]);
  const unit = { ...blankUnit(), enabled: true, batch_images: ["a"], module: "canny", model: "sd15_canny" };
  expect(problemOf(OFFERS, unit)).toBe("");
  expect(writeUnits([unit]).units?.[0].batch_images).toEqual(["a"]);
});

test("a folder of pictures is sent and becomes the unit's batch", async () => {
  let sent = 0;
  vi.stubGlobal("fetch", async () => Response.json({ reference: `kept ${(sent += 1)}`, width: 1, height: 1 }));
  /** @type {any[]} */
  const told = [];
  const box = batchBox("folder", blankUnit(), { change: (values) => told.push(values), say: (text) => told.push(text) });
  const input = /** @type {HTMLInputElement} */ (box.querySelector("input"));
  const choose = (/** @type {File[]} */ ...files) => {
    Object.defineProperty(input, "files", { value: files, configurable: true });
    input.dispatchEvent(new Event("change"));
  };
  choose(new File(["x"], "2.png", { type: "image/png" }), new File(["x"], "1.png", { type: "image/png" }));
  await vi.waitFor(() => expect(told).toEqual([{ batch_images: ["kept 1", "kept 2"], enabled: true }]));
  expect(box.textContent).toContain("2 pictures");
  choose(new File(["x"], "notes.txt", { type: "text/plain" }));
  expect(told.at(-1)).toContain("no picture in this folder");
  /** @type {HTMLElement} */ ([...box.querySelectorAll("button")].at(-1)).click();
  expect(told.at(-1)).toEqual({ batch_images: [] });
  vi.unstubAllGlobals();
});

test("a hidden joint comes back to where it was", () => {
  const pose = movePerson(scalePerson(person(), 0, 0.5), 0, 30, -20);
  for (let joint = 0; joint < JOINTS.length; joint += 1) {
    const hidden = hideJoint(pose, { person: 0, part: "body", joint });
    expect(hidden.people[0].body[joint]).toBeNull();
    const back = showJoint(hidden, 0, joint).people[0].body[joint];
    const [x, y] = /** @type {[number, number]} */ (pose.people[0].body[joint]);
    expect(back?.[0]).toBeCloseTo(x, 3);
    expect(back?.[1]).toBeCloseTo(y, 3);
  }
});

test("poses survive OpenPose's JSON", () => {
  const joint = fc.option(fc.tuple(fc.integer({ min: 2, max: 511 }), fc.integer({ min: 2, max: 767 })), { freq: 4 });
  const joints = (/** @type {number} */ count) => fc.array(joint, { minLength: count, maxLength: count });
  const seen = (/** @type {any} */ list) => list.some(Boolean);
  const hand = fc.option(joints(21).filter(seen));
  const face = fc.option(joints(70).filter(seen));
  const people = fc.array(fc.record({ body: joints(18).filter(seen), left: hand, right: hand, face }), { maxLength: 3 });
  fc.assert(
    fc.property(people, (/** @type {any} */ drawn) => {
      const pose = { width: 512, height: 768, people: drawn };
      const file = JSON.parse(JSON.stringify([toJson(pose)]));
      expect(fromJson(file, { width: 1, height: 1 })).toEqual(pose);
    }),
  );
});

test("shares of the canvas and 25 joints are read too", () => {
  const shares = { people: [{ pose_keypoints_2d: JOINTS.flatMap((_, index) => [0.5, index / 18, 1]) }], canvas_width: 200, canvas_height: 180 };
  const [{ body, left }] = fromJson(shares, { width: 1, height: 1 }).people;
  expect(body[9]).toEqual([100, 90]);
  expect(left).toBeNull();
  const of25 = { people: [{ pose_keypoints_2d: Array.from({ length: 25 }, (_, index) => [100 + index, 50, 0.9]).flat() }] };
  const read = fromJson(of25, { width: 512, height: 512 });
  expect(read.width).toBe(512);
  // OpenPose's 25 have the hips' middle at 8.
  expect(read.people[0].body[8]).toEqual([109, 50]);
  expect(read.people[0].body[14]).toEqual([115, 50]);
});

test.each([null, 5, {}, { people: 3 }, []])("what is no pose is refused with a sentence: %j", (file) => {
  expect(() => fromJson(file, { width: 1, height: 1 })).toThrow("no OpenPose file");
});

test("joints that are no numbers are refused", () => {
  expect(() => fromJson({ people: [{ pose_keypoints_2d: ["x", 1, 1] }] }, { width: 9, height: 9 })).toThrow("no numbers");
});

test("steps are undone and done again, and a drag is one step", () => {
  const first = person();
  const history = new PoseHistory(first);
  history.change(first);
  expect(history.before).toHaveLength(0);
  history.pose = movePerson(first, 0, 1, 0);
  history.change(movePerson(first, 0, 2, 0), first);
  const moved = history.pose;
  history.change(addPerson(moved));
  history.undo();
  history.undo();
  expect(history.pose).toBe(first);
  history.undo();
  history.redo();
  expect(history.pose).toBe(moved);
  history.change(removePerson(moved, 0));
  history.redo();
  expect(history.pose.people).toHaveLength(0);
});

test("a skeleton is drawn in OpenPose's colours upon black", () => {
  const pose = moveJoint(person(), { person: 0, part: "body", joint: 0 }, [100, 200]);
  const canvas = document.createElement("canvas");
  draw(pose, canvas);
  const pixel = (/** @type {[number, number]} */ [x, y]) => [.../** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")).getImageData(Math.round(x), Math.round(y), 1, 1).data];
  expect([canvas.width, canvas.height]).toEqual([512, 768]);
  expect(pixel([2, 2])).toEqual([0, 0, 0, 255]);
  expect(pixel([100, 200])).toEqual([255, 0, 0, 255]);
  const ankle = /** @type {[number, number]} */ (pose.people[0].body[JOINTS.indexOf("left ankle")]);
  expect(pixel(ankle)).toEqual([85, 0, 255, 255]);
  const [hip, knee] = [11, 12].map((joint) => /** @type {[number, number]} */ (pose.people[0].body[joint]));
  expect(pixel([(hip[0] + knee[0]) / 2, (hip[1] + knee[1]) / 2])).toEqual([0, 102, 153, 255]);
});

test("every joint has a limb and a name", () => {
  expect(new Set(LIMBS.flat())).toEqual(new Set(JOINTS.keys()));
  expect(new Set(BONES.flat())).toEqual(new Set(Array(21).keys()));
  expect(nameOf({ person: 1, part: "left", joint: 8 })).toBe("Person 2, left hand, index finger 4");
});

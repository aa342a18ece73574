// What a form reads from a JSON schema.
import { expect, test } from "vitest";
import { fieldsOf } from "../../../webui/ui/assets/js/parts/schema.js";

/**
 * @param {string} name
 * @param {Record<string, unknown>} schema
 */
const read = (name, schema) => fieldsOf({ properties: { [name]: schema } }, {})[0];

test.each([
  ["mask_blur", "Mask Blur", "Mask blur"],
  ["steps", "Steps", "Steps"],
  ["cfg_scale", "CFG Scale", "CFG Scale"],
  ["model", "Detector", "Detector"],
  ["mask_blur", undefined, "Mask blur"],
])("%s, titled %s, reads %s", (name, title, label) => {
  expect(read(name, { title, type: "integer" }).label).toBe(label);
});

test("a number that is whole or not has a slider between the ends that Pydantic gives a union", () => {
  const either = { anyOf: [{ type: "integer" }, { type: "number" }] };
  expect(read("share", { ...either, ge: 0, le: 1 })).toMatchObject({ kind: "slider", min: 0, max: 1, step: 0.01 });
  expect(read("share", { type: "number", minimum: 0, maximum: 1 })).toMatchObject({ kind: "slider", max: 1 });
  expect(read("share", { ...either, ge: 0 })).toMatchObject({ kind: "number", min: 0, max: undefined });
});

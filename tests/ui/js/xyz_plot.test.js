// @vitest-environment happy-dom
// X/Y/Z plot's form: a button at each axis that has a list writes all its values.
import { expect, test, vi } from "vitest";
import { mount } from "../../../extensions/scripts/javascript/xyz_plot.js";
import { drawForm } from "../../../webui/ui/assets/js/parts/draw.js";

const AXES = ["x", "y", "z"];
const LISTS = { Sampler: "Euler,Heun", "Checkpoint name": '"one, two.safetensors",three.safetensors' };
const SCHEMA = {
  properties: Object.fromEntries(AXES.flatMap((axis) => [
    [`${axis}_type`, { title: `${axis.toUpperCase()} type`, enum: ["Nothing", "Seed", "Sampler", "Checkpoint name"] }],
    [`${axis}_values`, { title: `${axis.toUpperCase()} values`, type: "string" }],
  ])),
};
const VALUE = { x_type: "Sampler", x_values: "", y_type: "Seed", y_values: "1-3", z_type: "Nothing", z_values: "" };

/** @param {(path: string) => Promise<any>} answer */
async function open(answer) {
  const element = document.createElement("div");
  document.body.append(element);
  /** @type {any[]} */
  const told = [];
  const ask = vi.fn((/** @type {string} */ _, /** @type {string} */ path) => answer(path));
  const form = mount(element, VALUE, (now) => told.push(now), {
    tab: "img2img", schema: SCHEMA, ask,
    draw: (place, schema, value, onChange) => drawForm(place, schema, schema, value, onChange),
  });
  await vi.waitFor(() => expect(ask).toHaveBeenCalled());
  await Promise.resolve();
  const buttons = /** @type {HTMLButtonElement[]} */ ([...element.querySelectorAll(".xyz-fill")]);
  return { element, told, ask, form, buttons };
}

/** @param {HTMLElement} element */
const texts = (element) => [...element.querySelectorAll("input[type=text]")].map((each) => /** @type {HTMLInputElement} */ (each).value);

test("only axes with a list have a button, and it writes the whole list", async () => {
  const { element, told, ask, form, buttons } = await open(async () => LISTS);
  expect(ask).toHaveBeenCalledWith("GET", "v1/xyz/choices?tab=img2img");
  await vi.waitFor(() => expect(buttons.map(({ hidden }) => hidden)).toEqual([false, true, true]));
  buttons[0]?.click();
  await vi.waitFor(() => expect(told).toHaveLength(1));
  expect(told[0]).toMatchObject({ x_type: "Sampler", x_values: "Euler,Heun", x_choices: [], y_values: "1-3" });
  expect(texts(element)).toEqual(["Euler,Heun", "1-3", ""]);
  form.update({ ...VALUE, z_type: "Checkpoint name" });
  expect(buttons.map(({ hidden }) => hidden)).toEqual([false, true, false]);
  buttons[2]?.click();
  await vi.waitFor(() => expect(told).toHaveLength(2));
  expect(told[1].z_values).toBe(LISTS["Checkpoint name"]);
});

test("another choice of axis shows or hides its button", async () => {
  const { element, buttons } = await open(async () => LISTS);
  await vi.waitFor(() => expect(buttons[0]?.hidden).toBe(false));
  const select = /** @type {HTMLSelectElement} */ (element.querySelector("select"));
  select.selectedIndex = 1;
  select.dispatchEvent(new Event("change"));
  expect(buttons[0]?.hidden).toBe(true);
});

test("a server that does not answer leaves the form as it is", async () => {
  const { element, told, buttons } = await open(() => Promise.reject(new Error("The server is gone.")));
  expect(buttons.map(({ hidden }) => hidden)).toEqual([true, true, true]);
  expect(told).toEqual([]);
  expect(texts(element)).toEqual(["", "1-3", ""]);
});

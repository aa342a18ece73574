// What a unit is, and what fits together: no page is needed for any of this.

export const ALL = "All";
export const NO_MODULE = "none";
export const NO_MODEL = "None";
export const CONTROL_MODES = ["Balanced", "My prompt is more important", "ControlNet is more important"];
export const RESIZE_MODES = ["Just Resize", "Crop and Resize", "Resize and Fill"];
export const HIRES_OPTIONS = ["Both", "Low res only", "High res only"];
// A network that is for more sorts than this takes any, and must be told which.
const MANY_TYPES = 5;
const [SMALLEST, LARGEST] = [64, 4096];

/**
 * A unit with nothing in it.
 * @returns {ControlUnit}
 */
export function blankUnit() {
  return {
    enabled: false,
    module: NO_MODULE,
    model: NO_MODEL,
    image: null,
    batch_images: [],
    mask: null,
    effective_region_mask: null,
    weight: 1,
    guidance_start: 0,
    guidance_end: 1,
    control_mode: "Balanced",
    resize_mode: "Crop and Resize",
    pixel_perfect: false,
    processor_res: -1,
    threshold_a: -1,
    threshold_b: -1,
    hr_option: "Both",
    control_type: "",
  };
}

/**
 * The units of a value, at least one. What the editor does not know stays in them.
 * @param {ControlNetValue | null | undefined} value
 * @returns {ControlUnit[]}
 */
export function readUnits(value) {
  const units = (value?.units ?? []).map((unit) => ({ ...blankUnit(), enabled: true, ...unit }));
  return units.length ? units : [blankUnit()];
}

/**
 * The value of units; untouched ones at the end are left out.
 * @param {ControlUnit[]} units
 * @returns {ControlNetValue}
 */
export function writeUnits(units) {
  const blank = JSON.stringify(blankUnit());
  const last = units.findLastIndex((unit) => JSON.stringify({ ...blankUnit(), ...unit }) !== blank);
  return { units: units.slice(0, last + 1) };
}

/**
 * The preprocessor of a name.
 * @param {Offers} offers
 * @param {string} name
 */
export function findModule(offers, name) {
  return offers.modules.find((module) => module.name.toLowerCase() === name.toLowerCase()) ?? null;
}

/**
 * The control type that a unit's choices belong to.
 * @param {Offers} offers
 * @param {ControlUnit} unit
 */
export function typeOf(offers, unit) {
  const types = Object.keys(offers.types);
  const told = types.find((type) => type.toLowerCase() === unit.control_type);
  if (told) return told;
  const module = findModule(offers, unit.module);
  if (module && module.name !== NO_MODULE) return module.types[0] ?? ALL;
  const model = offers.models.find(({ title }) => title === unit.model);
  return model?.types.length === 1 ? model.types[0] : ALL;
}

/**
 * The preprocessors of a control type.
 * @param {Offers} offers
 * @param {string} type
 */
export function modulesFor(offers, type) {
  if (type === ALL) return offers.modules;
  return offers.modules.filter((module) => module.name === NO_MODULE || module.types.includes(type));
}

/**
 * The models of a control type: those that can be used, and those that cannot, with why.
 * @param {Offers} offers
 * @param {string} type
 */
export function modelsFor(offers, type) {
  const fitting = offers.models.filter((model) => type === ALL || model.types.includes(type));
  return {
    offered: fitting.filter((model) => model.reason === null),
    refused: fitting.filter((model) => model.reason !== null),
  };
}

/**
 * What changes in a unit when a control type is chosen.
 * @param {Offers} offers
 * @param {string} type
 * @returns {Partial<ControlUnit>}
 */
export function chooseType(offers, type) {
  if (type === ALL) return { control_type: "" };
  const { offered } = modelsFor(offers, type);
  const model = offered[0]?.title ?? NO_MODEL;
  const module = offers.types[type]?.default_option ?? NO_MODULE;
  return { ...chooseModule(module), ...chooseModel(offers, model, type) };
}

/**
 * What changes in a unit when a preprocessor is chosen: its numbers begin anew.
 * @param {string} module
 * @returns {Partial<ControlUnit>}
 */
export function chooseModule(module) {
  return { module, processor_res: -1, threshold_a: -1, threshold_b: -1 };
}

/**
 * What changes in a unit when a model is chosen: a network that takes every sort is told which.
 * @param {Offers} offers
 * @param {string} title
 * @param {string} type
 * @returns {Partial<ControlUnit>}
 */
export function chooseModel(offers, title, type) {
  const model = offers.models.find((each) => each.title === title);
  const takesAny = (model?.types.length ?? 0) > MANY_TYPES;
  return { model: title, control_type: takesAny && type !== ALL ? type.toLowerCase() : "" };
}

/**
 * What keeps a unit from doing anything, as a sentence; empty if nothing does.
 * @param {Offers} offers
 * @param {ControlUnit} unit
 */
export function problemOf(offers, unit) {
  const module = findModule(offers, unit.module);
  if (!unit.enabled) return "";
  if (!unit.image && !unit.batch_images.length && !module?.name.startsWith("inpaint")) {
    return "Drop a picture here; in img2img, the unit uses the picture there if it has none.";
  }
  if (unit.model === NO_MODEL && !module?.model_free) return "Choose a model.";
  const model = offers.models.find(({ title }) => title === unit.model);
  if (model?.reason) return `${model.title}: ${model.reason}`;
  if (unit.guidance_start >= unit.guidance_end) return "It acts in no step: it ends before it starts.";
  return unit.weight === 0 ? "A weight of 0 changes nothing." : "";
}

/**
 * The resolution at which each pixel of a picture is used once in one of the target's size.
 * @param {{width: number, height: number}} picture
 * @param {{width: number, height: number}} target
 * @param {string} mode
 */
export function pixelPerfect(picture, target, mode) {
  const scales = [target.width / picture.width, target.height / picture.height];
  const scale = mode === "Resize and Fill" ? Math.min(...scales) : Math.max(...scales);
  const side = Math.round(scale * Math.min(picture.width, picture.height));
  return Math.min(Math.max(side, SMALLEST), LARGEST);
}

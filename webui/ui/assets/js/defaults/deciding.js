// Which fields a checkpoint's defaults may fill, and which the artist touched. Nothing here knows of a page.

/** What can be filled, by name, as texts that can be compared; a size is one thing. */
/** @typedef {Partial<Record<string, string>>} Shown */
/** `before` is what the defaults filled in last, null before the first time. */
/** @typedef {{card: string, before: Shown | null, touched: string[]}} State */

export const NAMES = ["size", "steps", "cfg_scale", "sampler", "schedule", "clip_skip"];
const SKIP_CHIP = /^Clip skip: *(\d+)$/;
const MODEL_CHIP = /^Model(?: hash)?: *(.+)$/;

/**
 * The chips among override settings that are texts.
 * @param {unknown} values
 * @returns {string[]}
 */
function chipsIn(values) {
  return Array.isArray(values) ? values.filter((value) => typeof value === "string") : [];
}

/**
 * The checkpoint that override settings name instead of the chosen one, or null.
 * @param {unknown} overrides
 */
export function modelIn(overrides) {
  for (const chip of chipsIn(overrides)) {
    const found = MODEL_CHIP.exec(chip);
    if (found) return found[1];
  }
  return null;
}

/**
 * What a form shows, of what can be filled.
 * @param {Record<string, unknown>} fields
 * @returns {Shown}
 */
export function shownIn(fields) {
  const skip = chipsIn(fields.override_settings).map((chip) => SKIP_CHIP.exec(chip)?.[1]).find(Boolean);
  return {
    size: `${fields.width}×${fields.height}`,
    steps: String(fields.steps),
    cfg_scale: String(fields.cfg_scale),
    sampler: String(fields.sampler),
    schedule: String(fields.schedule),
    clip_skip: skip ?? "",
  };
}

/**
 * What a checkpoint asks for. A clip skip that the settings have anyway is none.
 * @param {DefaultValues} values
 * @param {unknown} usualSkip
 * @returns {Shown}
 */
export function wantedIn({ width, height, clip_skip: skip, ...others }, usualSkip) {
  const plain = NAMES.flatMap((name) => {
    const value = others[/** @type {"steps"} */ (name)] ?? null;
    return value === null ? [] : [[name, String(value)]];
  });
  return {
    ...Object.fromEntries(plain),
    ...(width && height ? { size: `${width}×${height}` } : {}),
    clip_skip: skip && skip !== usualSkip ? String(skip) : "",
  };
}

/**
 * What is to be filled in for another checkpoint, and what counts as touched from now on: what the artist typed in,
 * and what no longer is as the defaults filled it in. `keepAll` fills in nothing.
 * @param {Shown} shown
 * @param {State} state
 * @param {Shown} wanted
 * @param {{keepAll?: boolean}} [options]
 */
export function decide(shown, { before, touched }, wanted, { keepAll = false } = {}) {
  const fill = /** @type {Shown} */ ({});
  const kept = new Set(touched);
  for (const name of NAMES) {
    const value = wanted[name];
    if (value === undefined) continue;
    const filled = before ? before[name] : value;
    if (filled !== undefined && shown[name] !== filled) kept.add(name);
    if (value === shown[name]) continue;
    if (keepAll) kept.add(name);
    else if (!kept.has(name)) fill[name] = value;
  }
  return { fill, touched: [...kept] };
}

/**
 * The better values to offer: what the checkpoint asks for and the form does not show.
 * @param {Shown} shown
 * @param {Shown} wanted
 */
export function offersFor(shown, wanted) {
  return NAMES.filter((name) => wanted[name] !== undefined && wanted[name] !== shown[name]);
}

/**
 * The fields of a form with some of them filled.
 * @param {Record<string, unknown>} fields
 * @param {Shown} fill
 * @returns {Record<string, unknown>}
 */
export function filled(fields, { size, clip_skip: skip, ...others }) {
  const [width, height] = (size ?? "").split("×").map(Number);
  const chips = chipsIn(fields.override_settings).filter((chip) => skip === undefined || !SKIP_CHIP.test(chip));
  const numbers = ["steps", "cfg_scale"];
  const plain = Object.entries(others).map(([name, text]) => [name, numbers.includes(name) ? Number(text) : text]);
  return {
    ...fields,
    ...(size === undefined ? {} : { width, height }),
    ...Object.fromEntries(plain),
    ...(skip === undefined ? {} : { override_settings: skip ? [...chips, `Clip skip: ${skip}`] : chips }),
  };
}

// How the tab says numbers. Other modules import from here.

/**
 * "1 picture", "12 pictures".
 * @param {number} count
 * @param {string} noun
 */
export function counted(count, noun) {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/**
 * "8 s", "2 min 5 s", "1 h 3 min".
 * @param {number} seconds
 */
export function durationText(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return whole % 60 && minutes < 10 ? `${minutes} min ${whole % 60} s` : `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/**
 * A number with as many digits as matter: 0.1234, 1e-4.
 * @param {number} value
 */
export function numberText(value) {
  if (!Number.isFinite(value)) return "no number";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 0.001 || size >= 100_000) return value.toExponential(1).replace(".0e", "e").replace("e+", "e");
  return String(Number(value.toPrecision(3)));
}

/**
 * A value of a field, as a person says it.
 * @param {unknown} value
 * @returns {string}
 */
export function valueText(value) {
  if (value === true) return "on";
  if (value === false) return "off";
  if (typeof value === "number") return Math.abs(value) > 0 && Math.abs(value) < 0.001 ? numberText(value) : String(value);
  if (Array.isArray(value)) return value.map(valueText).join(", ");
  return value === null || value === undefined || value === "" ? "none" : String(value);
}

/** @param {RunState} state */
export function stateText(state) {
  const texts = { running: "Training", queued: "Waiting", paused: "Paused", stopped: "Stopped", done: "Done", failed: "Failed" };
  return texts[state] ?? state;
}

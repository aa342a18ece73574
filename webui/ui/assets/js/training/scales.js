// The arithmetic of plots: ticks, scales, and the point nearest to the pointer.

/** From a value to a place, and which values are marked. @typedef {{at: (value: number) => number, ticks: number[]}} Scale */

/**
 * Round numbers within a range: 1, 2 or 5 times a power of ten apart, about so many.
 * @param {number} low
 * @param {number} high
 * @param {number} count
 */
export function roundTicks(low, high, count) {
  if (!(high > low)) return [low];
  const rough = (high - low) / Math.max(count, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * (rough / power > 5 ? 10 : rough / power > 2 ? 5 : rough / power > 1 ? 2 : 1);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  const places = Math.max(0, -Math.floor(Math.log10(step)));
  return Array.from({ length: last - first + 1 }, (_, index) => Number(((first + index) * step).toFixed(Math.min(places + 1, 20))));
}

/**
 * Powers of ten within a range, with 2 and 5 times them where there are few.
 * @param {number} low
 * @param {number} high
 */
export function logTicks(low, high) {
  const powers = Array.from({ length: Math.ceil(Math.log10(high)) - Math.floor(Math.log10(low)) + 1 },
    (_, index) => 10 ** (Math.floor(Math.log10(low)) + index));
  const within = (/** @type {number} */ value) => value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9);
  const whole = powers.filter(within);
  const ticks = whole.length > 2 ? whole : powers.flatMap((power) => [power, 2 * power, 5 * power]).filter(within);
  return ticks.map((tick) => Number(tick.toPrecision(3)));
}

/**
 * @param {number} low
 * @param {number} high
 * @param {number} from place of the lowest
 * @param {number} to place of the highest
 * @param {number} [count]
 * @returns {Scale}
 */
export function linearScale(low, high, from, to, count = 4) {
  const span = high - low || 1;
  return { at: (value) => from + ((value - low) / span) * (to - from), ticks: roundTicks(low, high, count) };
}

/**
 * @param {number} low above 0
 * @param {number} high
 * @param {number} from
 * @param {number} to
 * @returns {Scale}
 */
export function logScale(low, high, from, to) {
  const span = Math.log(high / low) || 1;
  return { at: (value) => from + (Math.log(Math.max(value, low) / low) / span) * (to - from), ticks: logTicks(low, high) };
}

/**
 * The range of values with some air; on a log scale only what is above 0 counts.
 * @param {number[]} values
 * @param {boolean} isLog
 * @returns {[low: number, high: number]}
 */
export function rangeOf(values, isLog) {
  const finite = values.filter((value) => Number.isFinite(value) && (!isLog || value > 0));
  if (!finite.length) return isLog ? [0.1, 1] : [0, 1];
  const low = finite.reduce((one, other) => Math.min(one, other));
  const high = finite.reduce((one, other) => Math.max(one, other));
  if (isLog) return low === high ? [low / 2, high * 2] : [low / 1.1, high * 1.1];
  return [0, high > 0 ? high * 1.08 : 1];
}

/**
 * The index of the point nearest to a step; points are in order. -1 where there is none.
 * @param {{step: number}[]} points
 * @param {number} step
 */
export function nearest(points, step) {
  let [low, high] = [0, points.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (points[middle].step < step) low = middle + 1;
    else high = middle;
  }
  if (low > 0 && step - points[low - 1].step < points[low].step - step) return low - 1;
  return high < 0 ? -1 : low;
}

/**
 * A line through points as an SVG path; what is no number breaks it.
 * @param {[x: number, y: number][]} points
 */
export function pathOf(points) {
  let draws = false;
  return points.map(([x, y]) => {
    if (!Number.isFinite(x) || !Number.isFinite(y)) {
      draws = false;
      return "";
    }
    const part = `${draws ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
    draws = true;
    return part;
  }).join("");
}

/**
 * How many steps a plot goes over: all of the run once half are done, before that twice those done. The first
 * of a hundred thousand would be a dot at its left.
 * @param {number} done @param {number} steps of the whole run
 */
export function stepsShown(done, steps) {
  return Math.max(Math.min(steps, Math.max(2 * done, 20)), done, 2);
}

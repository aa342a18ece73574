// The log of a run as the page keeps it: what came last is added to what is known.

// More points than a plot has pixels help nobody.
const MOST = 4000;

/**
 * @param {LogLine[]} known
 * @param {LogLine[]} fresh
 * @returns {LogLine[]}
 */
export function mergeLog(known, fresh) {
  if (!fresh.length) return known;
  // A run that was resumed goes on from a state before its last step.
  const before = known.filter(({ step }) => step < fresh[0].step);
  return thinned([...before, ...fresh]);
}

/**
 * Every other line of the older half, until there are few enough; the newest stay.
 * @param {LogLine[]} lines
 * @returns {LogLine[]}
 */
function thinned(lines) {
  if (lines.length <= MOST) return lines;
  const half = Math.floor(lines.length / 2);
  return thinned([...lines.slice(0, half).filter((_, index) => index % 2 === 0), ...lines.slice(half)]);
}

/**
 * What the server is asked for next: lines after this step; -1 for all of them, where what is known is of another time.
 * @param {LogLine[]} known
 * @param {number} step of the run
 */
export function askAfter(known, step) {
  const last = known.at(-1)?.step ?? -1;
  return last > step ? -1 : last;
}

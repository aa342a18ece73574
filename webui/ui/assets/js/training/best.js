// Which checkpoint of a run the artist marked as the best; this browser keeps it.

const KEY = "atelier.training.best";

/** @returns {Record<string, number>} */
function read() {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "{}");
  } catch {
    return {};
  }
}

/** @param {string} run @returns {number | null} */
export function bestOf(run) {
  return read()[run] ?? null;
}

/** @param {string} run @param {number | null} step null takes the mark away */
export function markBest(run, step) {
  const marks = Object.entries(read()).filter(([name]) => name !== run);
  if (step !== null) marks.push([run, step]);
  try {
    localStorage.setItem(KEY, JSON.stringify(Object.fromEntries(marks)));
  } catch {
    // A full or forbidden storage must not disturb the work.
  }
}

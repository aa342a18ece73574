// Sample pictures as strips: a row for each prompt, a column for each step.

/** @typedef {{prompt: number, text: string, cells: (RunSample | null)[]}} Row */

/**
 * @param {RunSample[]} samples
 * @returns {{steps: number[], rows: Row[]}}
 */
export function arrange(samples) {
  const steps = [...new Set(samples.map(({ step }) => step))].sort((one, other) => one - other);
  const prompts = [...new Set(samples.map(({ prompt }) => prompt))].sort((one, other) => one - other);
  const rows = prompts.map((prompt) => {
    const own = samples.filter((sample) => sample.prompt === prompt);
    const cells = steps.map((step) => own.findLast((sample) => sample.step === step) ?? null);
    return { prompt, text: own.at(-1)?.text ?? "", cells };
  });
  return { steps, rows };
}

/**
 * The sample that an arrow key leads to from one; the same where there is none further.
 * @param {{steps: number[], rows: Row[]}} strips
 * @param {RunSample} from
 * @param {string} key
 * @returns {RunSample}
 */
export function neighbour({ steps, rows }, from, key) {
  let row = rows.findIndex(({ prompt }) => prompt === from.prompt);
  let column = steps.indexOf(from.step);
  const [down, right] = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[key] ?? [0, 0];
  if (!down && !right) return from;
  for (;;) {
    row += down;
    column += right;
    const cell = rows[row]?.cells[column];
    if (cell) return cell;
    if (cell === undefined) return from;
  }
}

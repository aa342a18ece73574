// The whole form of a tab: read, filled, and put back as it was.
import { find, nextFrame, publish } from "./dom.js";

/** @typedef {Record<string, unknown>} Fields by the names that the server has for them */

// Gradio answers at once where it only reads; filling asks the server, of which nothing may come back.
const PATIENCE_MS = 10_000;
const NOT_READ = "The page does not tell what stands in it. Reload it, and try again.";
const NOT_FILLED = "The server did not fill the form. See whether it still runs, then try again.";
const readers = /** @type {Map<Tab, ((values: unknown[]) => void)[]>} */ (new Map());
const waiting = /** @type {Map<Tab, {fields: Fields, done: () => void}[]>} */ (new Map());
const sent = /** @type {Map<Tab, (() => void)[]>} */ (new Map());

/**
 * The list of a tab, made when it is first asked for.
 * @template Entry
 * @param {Map<Tab, Entry[]>} lists
 * @param {Tab} tab
 */
function listOf(lists, tab) {
  const list = lists.get(tab) ?? [];
  lists.set(tab, list);
  return list;
}

/**
 * What stands in the fields of a tab. Throws where the page does not answer.
 * @param {Tab} tab
 * @returns {Promise<Fields>}
 */
export async function readForm(tab) {
  const values = await new Promise((resolve, reject) => {
    listOf(readers, tab).push(resolve);
    setTimeout(() => reject(new Error(NOT_READ)), PATIENCE_MS);
    find(`#${tab}_read_form`)?.click();
  });
  const names = window.webui.forms[`atelier.${tab}`].map(([name]) => name);
  return Object.fromEntries(names.map((name, index) => [name, values[index]]));
}

/**
 * Shows values in the fields of a tab; others stay. Resolves once they stand there.
 * @param {Tab} tab
 * @param {Fields} fields
 */
export async function fillForm(tab, fields) {
  await new Promise((resolve, reject) => {
    listOf(waiting, tab).push({ fields, done: () => resolve(null) });
    setTimeout(() => reject(new Error(NOT_FILLED)), PATIENCE_MS);
    find(`#${tab}_fill_form`)?.click();
  });
  // What Gradio has been told stands in the page from the next frame on.
  await nextFrame();
}

/**
 * A function that makes the form of a tab what it is now.
 * @param {Tab} tab
 * @returns {Promise<() => Promise<void>>}
 */
export async function putBack(tab) {
  const before = await readForm(tab);
  return () => fillForm(tab, before);
}

/**
 * The hidden button tells the values of all fields.
 * @param {Tab} tab
 * @param {unknown[]} values
 */
function formRead(tab, values) {
  listOf(readers, tab).shift()?.(values);
  return [];
}

/**
 * What the other hidden button sends to the server.
 * @param {Tab} tab
 */
function nextFill(tab) {
  const next = listOf(waiting, tab).shift();
  if (!next) return "";
  listOf(sent, tab).push(next.done);
  return JSON.stringify(next.fields);
}

/**
 * The server's answer is there.
 * @param {Tab} tab
 */
function formFilled(tab) {
  listOf(sent, tab).shift()?.();
  return [];
}

publish({ formRead, nextFill, formFilled });

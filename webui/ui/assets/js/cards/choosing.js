// A checkpoint or a VAE becomes the one in use: the server keeps it, and the row above the tabs shows it.
import { find, nextFrame, publish } from "../dom.js";

// Of a server that went away nothing comes back.
const PATIENCE_MS = 10_000;

/**
 * What is to be chosen, and who waits for it: first those that the page has not yet asked for, then those that it does
 * not yet show.
 * @typedef {{option: string, title: string, done: () => void}} Choice
 */
const wanted = /** @type {Choice[]} */ ([]);
const sent = /** @type {Choice[]} */ ([]);

/**
 * Chooses a file by its title; resolves once the page shows it, or why it cannot.
 * @param {string} option such as sd_model_checkpoint
 * @param {string} title
 */
export async function chooseModel(option, title) {
  await new Promise((resolve) => {
    wanted.push({ option, title, done: () => resolve(null) });
    setTimeout(resolve, PATIENCE_MS);
    find("#choose_model")?.click();
  });
  // What Gradio has been told stands in the page from the next frame on.
  await nextFrame();
}

/** What the hidden button's handler sends to the server. */
function nextChoice() {
  const choice = wanted.shift();
  if (!choice) return "";
  sent.push(choice);
  return JSON.stringify({ option: choice.option, title: choice.title });
}

/** The handler's answer is there. */
function choiceShown() {
  sent.shift()?.done();
  return [];
}

publish({ chooseModel, nextChoice, choiceShown });

// A checkpoint or a VAE becomes the one in use: the server keeps it, and the row above the tabs shows it.
import { find, type } from "../dom.js";

const PATIENCE_MS = 10_000;

/** Chooses a file by its title for an option such as sd_model_checkpoint; resolves once the page shows it. */
export async function chooseModel(option, title) {
  type(find("#chosen_model textarea, #chosen_model input"), JSON.stringify({ option, title }));
  // Gradio takes the value over before the click is looked at.
  await new Promise((resolve) => setTimeout(resolve, 50));
  find("#choose_model").click();
  const until = performance.now() + PATIENCE_MS;
  while (performance.now() < until && find(`#setting_${option} input`)?.value !== title) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

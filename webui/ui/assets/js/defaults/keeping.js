// A button beside the checkpoint: what the form shows becomes that checkpoint's defaults, on its card.
import { appears, find } from "../dom.js";
import { iconButton, make } from "../controls.js";
import { button } from "../dialogs.js";
import { ask, messageOf } from "../server.js";
import { shownIn } from "./deciding.js";

const WORDS = "Keep these as this checkpoint's defaults";
const STAYS_MS = 12_000;

/**
 * What is kept of a form; a VAE that is chosen automatically is none.
 * @param {Record<string, unknown>} fields
 * @param {{clipSkip: unknown, vae: string}} settings
 * @returns {DefaultValues}
 */
export function valuesToKeep(fields, { clipSkip, vae }) {
  const plain = ["width", "height", "steps", "cfg_scale", "sampler", "schedule"].map((name) => [name, fields[name]]);
  const skip = Number(shownIn(fields).clip_skip) || Number(clipSkip);
  return {
    ...Object.fromEntries(plain),
    ...(skip ? { clip_skip: skip } : {}),
    ...(vae && vae !== "Automatic" ? { vae } : {}),
  };
}

/**
 * The same in words.
 * @param {DefaultValues} values
 */
export function describe({ width, height, steps, cfg_scale: cfg, sampler, schedule, clip_skip: skip, vae }) {
  const parts = [`${width}×${height}`, `${steps} steps`, `CFG ${cfg}`, sampler, schedule];
  return [...parts, skip && skip > 1 ? `clip skip ${skip}` : "", vae ? `VAE ${vae}` : ""].filter(Boolean).join(", ");
}

/**
 * Places the button. `target()` gives the checkpoint and what to keep for it; `kept` is told what the server answers.
 * @param {() => {title: string, values: DefaultValues} | null} target
 * @param {(answer: CheckpointDefaults) => void} kept
 * @param {() => void} forgotten
 */
export async function placeKeepButton(target, kept, forgotten) {
  const refresh = await appears("#refresh_sd_model_checkpoint");
  const said = make("div", { id: "kept_defaults", className: "kept-defaults", popover: "manual", attributes: { role: "status" } });
  document.body.append(said);
  let timer = 0;

  /**
   * @param {string} sentence
   * @param {...Node} buttons
   */
  function say(sentence, ...buttons) {
    said.replaceChildren(make("p", { textContent: sentence }), ...buttons);
    said.showPopover();
    const { left, bottom } = keep.getBoundingClientRect();
    said.style.left = `${Math.max(8, Math.min(left, innerWidth - said.offsetWidth - 8))}px`;
    said.style.top = `${bottom + 6}px`;
    clearTimeout(timer);
    timer = setTimeout(close, STAYS_MS);
  }

  function close() {
    if (said.matches(":popover-open")) said.hidePopover();
  }

  async function keepValues() {
    const wanted = target();
    if (!wanted) return say("Choose a checkpoint first.");
    try {
      const answer = await ask("PUT", "v1/defaults", { checkpoint: wanted.title, values: wanted.values });
      kept(answer);
      say(
        `Defaults of ${answer.stem} from now on: ${describe(wanted.values)}.`,
        button("Forget them", () => forget(answer), { className: "small" }),
        button("Close", close, { className: "small" }),
      );
    } catch (error) {
      say(messageOf(error), button("Close", close, { className: "small" }));
    }
  }

  /** @param {CheckpointDefaults} answer */
  async function forget({ title, stem }) {
    try {
      await ask("DELETE", `v1/defaults?checkpoint=${encodeURIComponent(title)}`);
      forgotten();
      say(`${stem} has no defaults of yours any more.`, button("Close", close, { className: "small" }));
    } catch (error) {
      say(messageOf(error), button("Close", close, { className: "small" }));
    }
  }

  const keep = iconButton("pin", WORDS, keepValues);
  keep.id = "keep_defaults";
  refresh.after(keep);
  addEventListener("keydown", ({ key }) => key === "Escape" && close());
  addEventListener("pointerdown", ({ target: pressed }) => {
    if (pressed instanceof Node && !said.contains(pressed) && pressed !== keep) close();
  });
  return find("#keep_defaults");
}

// A run as the page asks for it, and what of it is the artist's own.

/** Words that are no common ones. @type {Record<string, string>} */
const WRITTEN = { snr: "SNR", ema: "EMA", unet: "U-Net", clip: "CLIP", lora: "LoRA" };

/** A field's name as words: "Min SNR gamma". @param {string} name */
export function labelOf(name) {
  const words = name.split("_").map((word) => WRITTEN[word] ?? word).join(" ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Fields that stand in the panel itself, and not among all settings. */
export const IN_PANEL = ["method", "checkpoint", "name", "data", "goal", "trigger"];

/** A1111's element ids, for what it has too. @type {Record<string, string>} */
const A1111_IDS = {
  batch_size: "train_batch_size",
  accumulation: "train_gradient_step",
  rate: "train_embedding_learn_rate",
  steps: "train_steps",
  shuffle: "train_shuffle_tags",
  tag_dropout: "train_tag_drop_out",
  sample_every: "train_create_image_every",
  save_every: "train_save_embedding_every",
  height: "train_training_height",
  latents: "train_latent_sampling_method",
  templates: "train_template_file",
  sample_embedding: "train_save_image_with_stored_embedding",
};

/** Where fields stand that name no section: how much memory there is. */
const REST = "Speed and memory";

/** @param {string} name */
export function fieldId(name) {
  return A1111_IDS[name] ?? `train_${name}`;
}

/** A choice that leaves the field to the preset. @param {unknown} value */
export function isPreset(value) {
  return value === null || value === undefined || value === "";
}

/**
 * The run without what the preset decides, and without what the method does not use.
 * @param {AskedRun} run
 * @param {string[]} used
 * @returns {AskedRun}
 */
export function askedRun(run, used) {
  const kept = Object.entries(run).filter(([name, value]) => !isPreset(value) && (IN_PANEL.includes(name) || used.includes(name)));
  return Object.fromEntries(kept);
}

/**
 * What is changed among all settings.
 * @param {AskedRun} run
 * @param {string[]} used
 */
export function changedFields(run, used) {
  return used.filter((name) => !IN_PANEL.includes(name) && !isPreset(run[name]));
}

/**
 * What is missing before a run can begin, as a sentence with the field to go to; null where it is all there.
 * @param {AskedRun} run
 * @returns {{sentence: string, field: string} | null}
 */
export function missingOf(run) {
  if (!run.data) return { sentence: "Drop 10 to 20 pictures of what it shall learn first.", field: "data" };
  if (!run.checkpoint) return { sentence: "Choose the checkpoint that it shall be learned with.", field: "checkpoint" };
  if (!run.name) return { sentence: "Give it a name: the file is called so.", field: "name" };
  return null;
}

/**
 * Fields by section, in the order of the schema.
 * @template {{name: string, schema: Record<string, any>}} Field
 * @param {Field[]} fields
 * @param {string[]} used
 * @returns {Map<string, Field[]>}
 */
export function sectionsOf(fields, used) {
  const shown = fields.filter(({ name }) => !IN_PANEL.includes(name) && used.includes(name));
  const sections = /** @type {Map<string, Field[]>} */ (new Map());
  for (const { schema } of shown) if (schema.section) sections.set(schema.section, []);
  for (const field of shown) {
    const section = field.schema.section ?? REST;
    sections.set(section, [...(sections.get(section) ?? []), field]);
  }
  return sections;
}

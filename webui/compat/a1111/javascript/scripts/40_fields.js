// Fields of the form: writing into them so that the page takes note, prompts and their counters.

/** By tab, the box of the prompt that was used last. @type {Record<string, HTMLTextAreaElement | null>} */
var activePromptTextarea = {};
var promptTokenCountUpdateFunctions = /** @type {Record<string, () => void>} */ ({});

/** Tells the page that a field was written into. */
function updateInput(/** @type {HTMLElement} */ target) {
  target.dispatchEvent(new Event("input", { bubbles: true }));
}

/**
 * Calls back a while after the last change of a field; gives a function that does so without a change.
 * @param {string} editId
 * @param {HTMLElement} element
 * @param {number} afterMs
 * @param {() => void} callback
 */
function onEdit(editId, element, afterMs, callback) {
  /** @type {number | undefined} */
  let timer;
  const plan = () => {
    clearTimeout(timer);
    timer = setTimeout(callback, afterMs);
  };
  element.addEventListener("input", plan);
  return plan;
}

/**
 * Makes a counter count when its prompt changes; `id_button` is the hidden button that counts.
 * @param {string} id
 * @param {string} id_counter
 * @param {string} id_button
 */
function registerTextarea(id, id_counter, id_button) {
  const box = gradioApp().querySelector(`#${id} textarea`);
  if (!box) return;
  const count = () => gradioApp().getElementById(id_button)?.click();
  promptTokenCountUpdateFunctions[id] = onEdit(id_counter, box, 800, count);
}

function setupTokenCounting(/** @type {string} */ id, /** @type {string} */ id_counter, /** @type {string} */ id_button) {
  registerTextarea(id, id_counter, id_button);
}

function update_token_counter(/** @type {string} */ id_button) {
  gradioApp().getElementById(id_button)?.click();
}

function updatePromptTokens(/** @type {string} */ name) {
  for (const button of [`${name}_token_button`, `${name}_negative_token_button`]) update_token_counter(button);
}

function update_txt2img_tokens(/** @type {any[]} */ ...args) {
  updatePromptTokens("txt2img");
  return args.length === 2 ? args[0] : args;
}

function update_img2img_tokens(/** @type {any[]} */ ...args) {
  updatePromptTokens("img2img");
  return args.length === 2 ? args[0] : args;
}

/** Counts the prompt of this id again. */
function recalculatePromptTokens(/** @type {string} */ name) {
  const [tab] = name.split("_");
  update_token_counter(name.includes("neg") ? `${tab}_negative_token_button` : `${tab}_token_button`);
}

function recalculate_prompts_txt2img(/** @type {any[]} */ ...args) {
  updatePromptTokens("txt2img");
  return args;
}

function recalculate_prompts_img2img(/** @type {any[]} */ ...args) {
  updatePromptTokens("img2img");
  return args;
}

function recalculate_prompts_inpaint(/** @type {any[]} */ ...args) {
  return recalculate_prompts_img2img(...args);
}

/**
 * Ctrl+Up and Ctrl+Down weigh what is selected. In prompts the page does so by itself; this is for extensions' own boxes.
 * @param {KeyboardEvent} event
 */
function keyupEditAttention(event) {
  const direction = event.key === "ArrowUp" ? 1 : event.key === "ArrowDown" ? -1 : null;
  const box = event.target;
  if (!direction || event.defaultPrevented || !(event.ctrlKey || event.metaKey)) return;
  if (!(box instanceof HTMLTextAreaElement)) return;
  const weighed = window.webui.reweigh(box.value, box.selectionStart, box.selectionEnd, direction, opts.keyedit_precision_attention ?? 0.1);
  if (!weighed) return;
  event.preventDefault();
  box.value = weighed.text;
  box.setSelectionRange(weighed.start, weighed.end);
  updateInput(box);
}

/** What a function got as arguments, as a list. */
function args_to_array(/** @type {Iterable<any>} */ args) {
  return Array.from(args);
}

function clear_prompt(/** @type {string} */ tab) {
  gradioApp().getElementById(`${tab}_clear_prompt`)?.click();
}

/** Asks before both prompts are emptied. */
function confirm_clear_prompt(/** @type {string} */ prompt, /** @type {string} */ negative_prompt) {
  return confirm("Delete prompt?") ? ["", ""] : [prompt, negative_prompt];
}

/** Draws another seed with each picture. */
function setRandomSeed(/** @type {string} */ tab) {
  const field = gradioApp().querySelector(`#${tab}_seed input`);
  if (field) {
    field.value = "-1";
    updateInput(field);
  }
  return [];
}

/** Exchanges width and height. */
function switchWidthHeight(/** @type {string} */ tab) {
  const [width, height] = ["width", "height"].map((name) => gradioApp().querySelector(`#${tab}_${name} input[type=number]`));
  if (width && height) {
    [width.value, height.value] = [height.value, width.value];
    for (const field of [width, height]) updateInput(field);
  }
  return [];
}

function dimensionChange(/** @type {any} */ event, /** @type {boolean} */ is_width, /** @type {boolean} */ is_height) {
  // The page shows by itself what part of a picture a size takes.
  void [event, is_width, is_height];
}

/** Width, height and scale, with the size of the picture on the canvas of img2img's mode in place of the first two. */
function currentImg2imgSourceResolution(/** @type {number} */ width, /** @type {number} */ height, /** @type {number} */ scale) {
  const [own_width, own_height] = window.webui.canvasPixels(gradioApp().querySelector("#img2img_mode input:checked")?.value) ?? [0, 0];
  return own_width && own_height ? [own_width, own_height, scale] : [0, 0, scale];
}

function updateImg2imgResizeToTextAfterChangingImage() {
  gradioApp().getElementById("img2img_update_resize_to")?.click();
  return [];
}

function onCalcResolutionHires(/** @type {any[]} */ ...args) {
  return args;
}

/**
 * Sets the tick of an accordion that has one.
 * @param {string} id
 * @param {boolean} checked
 */
function inputAccordionChecked(id, checked) {
  const accordion = gradioApp().getElementById(id);
  const boxes = [accordion?.visibleCheckbox, ...(accordion?.querySelectorAll(".input-accordion-checkbox") ?? [])];
  const box = boxes.find(Boolean) ?? gradioApp().querySelector(`#${CSS.escape(id)}-checkbox input`);
  if (box && box.checked !== checked) box.click();
}

document.addEventListener("focusin", ({ target }) => {
  if (!(target instanceof HTMLTextAreaElement)) return;
  const id = target.closest("[id$='_prompt']")?.id ?? "";
  for (const tab of ["txt2img", "img2img"]) {
    if (id === `${tab}_prompt` || id === `${tab}_neg_prompt`) activePromptTextarea[tab] = target;
  }
});

atelierHost.preparations.push(() => {
  for (const tab of ["txt2img", "img2img"]) {
    activePromptTextarea[tab] ??= gradioApp().querySelector(`#${tab}_prompt textarea`);
    for (const [prompt, counted] of [["prompt", "token"], ["neg_prompt", "negative_token"]]) {
      const button = `${tab}_${counted}_button`;
      promptTokenCountUpdateFunctions[`${tab}_${prompt}`] ??= () => update_token_counter(button);
    }
  }
});

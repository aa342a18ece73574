// What A1111's page has and ours draws in another way: hidden elements of the same names that really act. A picture given
// to a hidden field of files comes onto the canvas; a click on a hidden Clear empties it.

(() => {
  const { make, address } = atelierHost;
  const TABS = ["txt2img", "img2img"];
  const CONTROL_UNITS = 3;

  /** Hidden from eyes, keyboard and screen readers alike; scripts find and press what is in it. */
  function makeHidden(/** @type {Record<string, any>} */ properties, /** @type {Node[]} */ ...children) {
    return make("div", { hidden: true, ...properties }, ...children);
  }

  function hiddenButton(/** @type {Record<string, any>} */ properties, /** @type {() => unknown} */ action) {
    return make("button", { type: "button", ...properties, onclick: (/** @type {Event} */ event) => {
      event.stopPropagation();
      executeCallback(action);
    } });
  }

  /** A field of files that gives the first one to `take`. */
  function fileField(/** @type {(file: File) => unknown} */ take) {
    const field = make("input", { type: "file", accept: "image/*" });
    field.addEventListener("change", (/** @type {Event} */ event) => {
      event.stopPropagation();
      const [file] = field.files ?? [];
      if (file) void take(file);
    });
    return field;
  }

  /**
   * What A1111's picture fields have: the picture, a field of files, and a button to undo where there is something to.
   * Scripts take any button of a field that cannot be painted on for the one that clears it.
   * @param {(file: File) => unknown} take
   * @param {(() => unknown) | null} undo
   */
  function pictureParts(take, undo) {
    const undoing = undo ? [hiddenButton({ "aria-label": "Undo", title: "Undo" }, undo)] : [];
    return [make("img", { alt: "" }), fileField(take), ...undoing];
  }

  /**
   * The buttons that take a picture away are there while there is one: scripts wait for them to come and to go.
   * @param {HTMLElement} field
   * @param {boolean} hasPicture
   * @param {() => unknown} clear
   */
  function offerClearing(field, hasPicture, clear) {
    const known = field.querySelectorAll(":scope > .clears");
    if (!hasPicture) known.forEach((each) => each.remove());
    else if (!known.length) field.append(...["Clear", "Remove Image"].map((label) => hiddenButton({ className: "clears", "aria-label": label, title: label }, clear)));
  }

  /** Presses a tool of a canvas, or opens its choice of a colour. */
  function pressTool(/** @type {Element} */ canvas, /** @type {string} */ selector) {
    const tool = canvas.querySelector(selector);
    if (tool instanceof HTMLElement) tool.click();
  }

  /**
   * Draws a picture that an event gives on a canvas.
   * @param {string} name
   * @param {{url?: string} | null} file
   */
  atelierHost.fillCanvas = async (name, file) => {
    if (!file?.url) return;
    const answer = await fetch(file.url);
    if (answer.ok) await window.webui.canvasBoards.get(name)?.take(await firstFrame(await answer.blob()));
  };

  /** Of a file that may be an animation the first frame, which is what A1111's fields of pictures take. */
  async function firstFrame(/** @type {Blob} */ blob) {
    if (!["image/gif", "image/webp"].includes(blob.type)) return blob;
    const frame = await createImageBitmap(blob);
    const drawn = new OffscreenCanvas(frame.width, frame.height);
    drawn.getContext("2d")?.drawImage(frame, 0, 0);
    return drawn.convertToBlob();
  }

  /** A file of a canvas, uploaded as a field of pictures would; null where there is none. */
  async function uploadAs(/** @type {string} */ name, /** @type {Blob | null | undefined} */ blob) {
    if (!blob) return null;
    const form = new FormData();
    form.append("files", blob, `${name}.png`);
    const answer = await fetch(address("gradio_api/upload"), { method: "POST", body: form });
    if (!answer.ok) return null;
    const [path] = await answer.json();
    const url = address(`gradio_api/file=${path}`);
    return { path, url, orig_name: `${name}.png`, size: blob.size, mime_type: blob.type, meta: { _type: "gradio.FileData" } };
  }

  /**
   * What an event is given of a canvas: "picture" with its paint, "original" without, or "masked": both apart, as Gradio's
   * editor of pictures tells of a picture and a layer.
   * @param {string} name
   * @param {"picture" | "original" | "masked"} part
   */
  async function readCanvas(name, part) {
    const files = await window.webui.canvasFiles(name);
    if (!files) return null;
    if (part !== "masked") return uploadAs(name, files[part]);
    const layers = [await uploadAs(`${name}_mask`, files.mask)].filter(Boolean);
    return { background: await uploadAs(name, files.original), layers, composite: null, id: null };
  }

  /**
   * Values of an event with what lies in the browser alone among them: parts of canvases, and which script is chosen.
   * @param {[place: number, name: string, part: "picture" | "original" | "masked" | "script"][]} places
   * @param {any[]} given
   */
  atelierHost.readBrowser = async (places, given) => {
    const values = [...given];
    for (const [place, name, part] of places) {
      const list = document.getElementById(name);
      values[place] = part === "script" ? (list instanceof HTMLSelectElement ? list.value : "") : await readCanvas(name, part);
    }
    return values;
  };

  function bridgeCanvas(/** @type {HTMLElement} */ canvas) {
    const board = window.webui.canvasBoards.get(canvas.dataset.name);
    if (!board || canvas.querySelector(":scope > .a1111-bridge")) return;
    const parts = pictureParts((file) => board.take(file), board.canPaint ? () => board.history.undo() : null);
    const image = parts[0];
    const tools = board.canPaint ? [
      make("div", {}, make("div", { className: "brush" }, hiddenButton({ "aria-label": "Use brush" }, () => pressTool(canvas, "[data-tool='brush']")))),
      hiddenButton({ "aria-label": "Select brush color" }, () => pressTool(canvas, "input[type='color']")),
      hiddenButton({ "aria-label": "Redraw" }, () => board.history.redo()),
    ] : [];
    const field = makeHidden({ className: "a1111-bridge image-container", "data-testid": "image" }, ...parts, ...tools);
    canvas.append(field);
    let shown = /** @type {Blob | null} */ (null);
    const follow = () => {
      const blob = board.state.base?.blob ?? null;
      if (blob === shown) return;
      shown = blob;
      offerClearing(field, Boolean(blob), () => board.remove());
      if (image.src) URL.revokeObjectURL(image.src);
      if (blob) image.src = URL.createObjectURL(blob);
      else image.removeAttribute("src");
    };
    board.on("change", follow);
    follow();
  }

  /** Changes one of ControlNet's units. */
  function setUnit(/** @type {string} */ tab, /** @type {number} */ number, /** @type {Record<string, any>} */ values) {
    const { units = [], ...rest } = window.atelier.readPart(tab, "controlnet");
    const all = [...units];
    while (all.length <= number) all.push({ enabled: false });
    all[number] = { ...all[number], ...values };
    window.atelier.setPart(tab, "controlnet", { ...rest, units: all });
  }

  async function giveToUnit(/** @type {string} */ tab, /** @type {number} */ number, /** @type {File} */ file) {
    const response = await fetch(address("v1/inputs"), { method: "POST", body: file });
    const answer = await response.json().catch(() => ({}));
    if (!response.ok) throw new Error(String(answer.detail ?? `The server answered ${response.status}.`));
    setUnit(tab, number, { image: answer.reference, mask: null, enabled: true });
    followUnits(tab);
    window.atelier.openPart(tab, "controlnet");
  }

  /** Takes the picture of a unit away. Left on without one, it would keep jobs from running. */
  function clearUnit(/** @type {string} */ tab, /** @type {number} */ number) {
    setUnit(tab, number, { image: null, mask: null, enabled: false });
    followUnits(tab);
  }

  /** Which units have a picture, as the part of the form has it now. */
  function followUnits(/** @type {string} */ tab) {
    const { units = [] } = window.atelier.readPart(tab, "controlnet");
    for (let number = 0; number < CONTROL_UNITS; number++) {
      const field = document.getElementById(`${tab}_controlnet_bridge-${number}`);
      if (field) offerClearing(field, Boolean(units[number]?.image), () => clearUnit(tab, number));
    }
  }

  function controlUnit(/** @type {string} */ tab, /** @type {number} */ number) {
    const same = make("input", { type: "checkbox", checked: true });
    const parts = pictureParts((file) => giveToUnit(tab, number, file), () => clearUnit(tab, number));
    return make(
      "div",
      {},
      make("div", { id: `${tab}_controlnet_bridge-${number}`, className: "cnet-image", "data-testid": "image" }, ...parts),
      make("div", { id: `${tab}_controlnet_bridge-${number}_same` }, same),
    );
  }

  /** The head of ControlNet's accordion: a click opens the part, and a picture pasted on it is the first unit's. */
  function controlHead(/** @type {string} */ tab) {
    const head = make("div", { className: "label-wrap" }, make("span", { textContent: "ControlNet" }), make("span", { className: "icon" }));
    head.addEventListener("click", () => {
      head.classList.add("open");
      window.atelier.openPart(tab, "controlnet");
    });
    head.addEventListener("paste", (/** @type {any} */ event) => {
      const [file] = event.clipboardData?.files ?? [];
      if (!file) return;
      event.stopPropagation();
      executeCallback(() => giveToUnit(tab, 0, file));
    });
    return head;
  }

  /** ControlNet's accordion with a tab for each unit, as scripts look for it; 10_selectors.js leads here. */
  function bridgeControlNet(/** @type {string} */ tab) {
    const place = document.querySelector(`#${tab}_part_controlnet`);
    if (!place || document.getElementById(`${tab}_controlnet_bridge`)) return;
    const numbers = Array.from({ length: CONTROL_UNITS }, (_, number) => number);
    const names = numbers.map((number) => hiddenButton({ textContent: `ControlNet Unit ${number}` }, () => window.atelier.openPart(tab, "controlnet")));
    const units = numbers.map((number) => controlUnit(tab, number));
    const accordion = make("div", { className: "gradio-accordion controlnet-bridge" }, controlHead(tab), make("div", { className: "tab-nav" }, ...names), ...units);
    place.prepend(makeHidden({ id: `${tab}_controlnet_bridge`, className: "gradio-accordion" }, accordion));
  }

  async function findStyle(/** @type {string} */ name) {
    const { styles } = await (await fetch(address("v1/styles"))).json();
    return styles.find((/** @type {any} */ style) => style.name === name) ?? null;
  }

  /** The fields of A1111's editor of styles; ours is a dialog. */
  function bridgeStyles(/** @type {string} */ tab) {
    const place = document.querySelector(`#${tab}_styles_row`);
    if (!place || document.getElementById(`${tab}_edit_style_prompt`)) return;
    const name = make("input");
    const [prompt, negative] = [make("textarea"), make("textarea")];
    name.addEventListener("change", async () => {
      const style = await findStyle(name.value);
      prompt.value = style?.prompt ?? "";
      negative.value = style?.negative_prompt ?? "";
    });
    const save = async () => {
      const known = await findStyle(name.value);
      const texts = { name: name.value, prompt: prompt.value, negative_prompt: negative.value };
      const body = JSON.stringify(known ? { ...texts, old_name: known.name, version: known.version } : texts);
      const response = await fetch(address("v1/styles"), { method: known ? "PUT" : "POST", body, headers: { "Content-Type": "application/json" } });
      if (!response.ok) throw new Error(String((await response.json().catch(() => ({}))).detail ?? response.status));
      document.getElementById(`refresh_${tab}_styles`)?.click();
    };
    place.append(makeHidden(
      { className: "a1111-bridge" },
      make("div", { id: `${tab}_styles_edit_select` }, name),
      make("div", { id: `${tab}_edit_style_prompt` }, make("label", {}, prompt)),
      make("div", { id: `${tab}_edit_style_neg_prompt` }, make("label", {}, negative)),
      hiddenButton({ id: `${tab}_edit_style_save` }, save),
    ));
  }

  /** What a list shows, in the element that A1111's lists show it in. */
  function mirrorChoice(/** @type {string} */ id) {
    const field = document.querySelector(`#${id} input`);
    const place = field?.closest(".wrap-inner");
    if (!(field instanceof HTMLInputElement) || !place || place.querySelector(".single-select")) return;
    const shown = make("span", { className: "single-select", hidden: true });
    for (const name of ["textContent", "innerText", "innerHTML"]) Object.defineProperty(shown, name, { get: () => field.value });
    place.append(shown);
  }

  /** Buttons of A1111's page that ours does without, or has under other names. */
  function bridgeButtons(/** @type {string} */ tab) {
    const add = (/** @type {string} */ place, /** @type {string} */ id, /** @type {() => unknown} */ action) => {
      if (!document.getElementById(id)) document.querySelector(place)?.append(hiddenButton({ id, hidden: true, tabIndex: -1 }, action));
    };
    add(`#${tab}_extra_tabs`, `${tab}_extra_refresh`, () => atelierHost.rescan());
    add(`#${tab}_generate_box`, `${tab}_interrupting`, () => {});
  }

  /** @type {Map<string, string | undefined>} The job that each tab told of last. */
  const jobs = new Map();

  /** A1111's bar of a job's progress comes and goes among what the panel of results holds: scripts wait for that. */
  function bridgeProgress(/** @type {string} */ tab) {
    const panel = document.getElementById(`${tab}_results_panel`);
    const told = /** @type {HTMLElement | null} */ (document.querySelector(`#${tab}_progress [data-job]`));
    const job = told?.dataset.job;
    const isNew = jobs.has(tab) && Boolean(job) && jobs.get(tab) !== job;
    if (job || !jobs.has(tab)) jobs.set(tab, job);
    if (!panel) return;
    const known = panel.querySelector(":scope > .a1111-progress");
    const isRunning = Boolean(told?.classList.contains("progressDiv"));
    if (known && !isRunning) known.remove();
    if (known || !(isRunning || isNew)) return;
    const line = make("div", { className: "a1111-progress", hidden: true });
    panel.append(line);
    // A quick job has ended before it was seen.
    if (!isRunning) setTimeout(() => line.remove());
  }

  /** Scripts read from the footer's first link which version of A1111 they are on. */
  function bridgeVersion() {
    const versions = document.querySelector("#footer .versions");
    if (versions && !versions.querySelector("a")) versions.prepend(make("a", { textContent: window.hosted_version, hidden: true }));
  }

  /** Copies the picture of the canvas that is shown to another one, and shows that. */
  function bridgeCopying() {
    const place = document.querySelector("#mode_img2img");
    if (!place || document.getElementById("img2img_copy_to_img2img")) return;
    const [names, modes] = [["img2img", "sketch", "inpaint", "inpaint_sketch"], ["img2img_image", "img2img_sketch", "img2maskimg", "inpaint_sketch"]];
    const copyTo = (/** @type {number} */ number) => async () => {
      const shown = [...document.querySelectorAll("#mode_img2img .canvas")].find(uiElementIsVisible);
      const from = window.webui.canvasBoards.get(shown instanceof HTMLElement ? shown.dataset.name : "");
      if (from?.state.base) await window.webui.canvasBoards.get(modes[number])?.take(from.state.base.blob);
      switch_to_img2img_tab(number);
    };
    const rows = names.map((name) => make("div", { id: `img2img_copy_to_${name}` },
      ...names.map((words, number) => hiddenButton({ textContent: words, disabled: words === name }, copyTo(number)))));
    place.append(makeHidden({ className: "a1111-bridge" }, ...rows));
  }

  function bridgeParts() {
    document.querySelectorAll(".canvas[data-mounted]").forEach((canvas) => canvas instanceof HTMLElement && bridgeCanvas(canvas));
    for (const tab of TABS) {
      bridgeControlNet(tab);
      followUnits(tab);
    }
  }

  atelierHost.preparations.push(() => {
    for (const tab of TABS) {
      bridgeStyles(tab);
      bridgeButtons(tab);
      setupExtraNetworksForTab(tab);
    }
    for (const id of ["setting_sd_model_checkpoint", "setting_sd_vae"]) mirrorChoice(id);
    bridgeVersion();
    bridgeCopying();
    bridgeParts();
    // Canvases and parts may come later.
    onAfterUiUpdate(bridgeParts);
    onUiUpdate(() => ["txt2img", "img2img"].forEach(bridgeProgress));
  });
})();

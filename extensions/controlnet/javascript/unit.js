// The panel of one unit.
import { ask, button, choice, loadPicture, make, messageOf, pictureAddress, sizeText, slider, tick } from "./elements.js";
import { batchBox } from "./batch.js";
import { pictureBox } from "./picture.js";
import {
  ALL, CONTROL_MODES, HIRES_OPTIONS, NO_MODEL, RESIZE_MODES, chooseModel, chooseModule, chooseType, findModule, modelsFor,
  modulesFor, pixelPerfect, problemOf, typeOf,
} from "./units.js";

/**
 * @typedef {{
 *   tab: string,
 *   number: number,
 *   offers: () => Offers,
 *   refresh: () => void,
 *   change: (values: Partial<ControlUnit>) => void,
 *   canvas: () => Promise<string | null>,
 *   openPose: (unit: ControlUnit, size: {width: number, height: number}, done: (reference: string) => void) => void,
 * }} UnitOwner
 */

/** Fields below a picture; drawn anew when a choice changes what there is to choose. */
export class UnitPanel {
  /**
   * @param {ControlUnit} unit
   * @param {UnitOwner} owner
   */
  constructor(unit, owner) {
    this.unit = unit;
    this.owner = owner;
    this.type = typeOf(owner.offers(), unit);
    /** @type {{width: number, height: number} | null} */
    this.size = null;
    this.id = `${owner.tab}_controlnet_ControlNet-${owner.number}`;
    this.message = make("p", { className: "cn-message", role: "status" });
    this.head = make("div", { className: "cn-head" });
    this.preview = make("figure", { className: "cn-preview", hidden: true });
    this.fields = make("div", { className: "cn-fields" });
    this.sendSize = button("📐", () => this.sendSizeToForm(), { title: "Send the picture's size to width and height", "aria-label": "Send the picture's size to width and height", disabled: true });
    const picture = pictureBox(`${this.id}_input_image`, unit, {
      change: (values) => this.change(values, "enabled" in values),
      say: (sentence) => this.say(sentence),
      sized: (size) => {
        this.size = size;
        this.sendSize.disabled = !size;
        this.preview.hidden ||= !size;
      },
    });
    this.setPicture = picture.set;
    const batch = batchBox(`${this.id}_batch_folder`, unit, {
      change: (values) => this.change(values, "enabled" in values),
      say: (sentence) => this.say(sentence),
    });
    this.element = make("div", { className: "cn-unit" }, this.head, make("div", { className: "cn-pictures" }, picture.element, this.preview), batch, this.message, this.fields);
    this.draw();
  }

  /** @param {string} sentence */
  say(sentence) {
    this.message.textContent = sentence || problemOf(this.owner.offers(), this.unit);
    this.message.classList.toggle("cn-error", Boolean(sentence));
  }

  /**
   * @param {Partial<ControlUnit>} values
   * @param {boolean} [redraws]
   */
  change(values, redraws = false) {
    if (values.module !== undefined && values.module !== this.unit.module) {
      // It shows what another preprocessor made.
      this.preview.hidden = true;
      this.preview.replaceChildren();
    }
    this.unit = { ...this.unit, ...values };
    this.owner.change(values);
    if (redraws) this.draw();
    else this.say("");
  }

  draw() {
    // What has the focus is drawn anew too, and gets it back.
    const focused = document.activeElement instanceof HTMLElement && this.element.contains(document.activeElement) ? document.activeElement.id : "";
    const offers = this.owner.offers();
    this.head.replaceChildren(...this.drawHead());
    this.fields.replaceChildren(this.drawTypes(offers), this.drawChoices(offers), ...this.drawMissing(offers), this.drawNumbers(offers), this.drawModes());
    this.say("");
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  }

  drawHead() {
    const { unit, id } = this;
    return [
      tick("Enable", unit.enabled, (enabled) => this.change({ enabled }, true), { id: `${id}_controlnet_enable_checkbox` }),
      tick("Pixel Perfect", unit.pixel_perfect, (perfect) => this.change({ pixel_perfect: perfect }, true), { id: `${id}_controlnet_pixel_perfect_checkbox` }),
      tick("Allow Preview", !this.preview.hidden, (shown) => this.allowPreview(shown), { id: `${id}_controlnet_preview_checkbox` }),
      make("span", { className: "cn-gap" }),
      button("Edit pose", () => this.editPose(), { title: "Draw people as skeletons" }),
      this.sendSize,
    ];
  }

  /** @param {Offers} offers */
  drawTypes(offers) {
    const chips = Object.keys(offers.types).map((type) => {
      const input = make("input", {
        type: "radio", name: `${this.id}_type`, value: type, checked: type === this.type, id: `${this.id}_type_${type}`,
        onchange: () => this.chooseType(type),
      });
      return make("label", { className: "cn-chip" }, input, make("span", { textContent: type }));
    });
    return make("div", { className: "cn-types", role: "radiogroup", "aria-label": "Control Type" }, ...chips);
  }

  /** @param {string} type */
  chooseType(type) {
    this.type = type;
    this.change(chooseType(this.owner.offers(), type), true);
  }

  /** @param {Offers} offers */
  drawChoices(offers) {
    const { unit, id, type } = this;
    const modules = modulesFor(offers, type).map(({ name, missing }) => ({
      value: name,
      words: missing.length ? `${name} (needs a file)` : name,
    }));
    const { offered, refused } = modelsFor(offers, type);
    const models = [
      { value: NO_MODEL },
      ...offered.map(({ title }) => ({ value: title })),
      ...refused.map(({ title, reason }) => ({ value: title, reason })),
    ];
    const run = button("💥", () => void this.runPreprocessor(), {
      className: "cn-button cn-run", id: `${id}_controlnet_trigger_preprocessor`, title: "Run preprocessor and show what it makes", "aria-label": "Run preprocessor",
    });
    const refresh = button("🔄", () => this.owner.refresh(), { className: "cn-button cn-refresh", title: "Refresh the models", "aria-label": "Refresh the models" });
    const module = findModule(offers, unit.module);
    return make(
      "div",
      { className: "cn-choices" },
      make(
        "div",
        { className: "cn-pair" },
        choice("Preprocessor", modules, module?.name ?? unit.module, (name) => this.change(chooseModule(name), true), { id: `${id}_controlnet_preprocessor_dropdown` }),
        run,
      ),
      make(
        "div",
        { className: "cn-pair" },
        choice("Model", models, unit.model, (title) => this.change(chooseModel(offers, title, type), true), { id: `${id}_controlnet_model_dropdown`, disabled: Boolean(module?.model_free) }),
        refresh,
      ),
      make("p", { className: "cn-about", textContent: describeChoice(offers, module, offered.length, type) }),
    );
  }

  /** @param {Offers} offers */
  drawMissing(offers) {
    const missing = findModule(offers, this.unit.module)?.missing ?? [];
    return missing.map(({ sentence, link, size, file }) => {
      const fetcher = button(`Fetch ${file} (${sizeText(size)})`, () => {
        const fetchLink = /** @type {any} */ (window).webui?.fetchLink;
        if (!fetchLink) return this.say("This page cannot fetch files. Get it from the address in the sentence.");
        fetcher.disabled = true;
        fetcher.textContent = "On its way; refresh when it is here";
        fetchLink(link);
      });
      return make("div", { className: "cn-missing" }, make("p", { textContent: sentence }), fetcher);
    });
  }

  /** @param {Offers} offers */
  drawNumbers(offers) {
    const { unit } = this;
    const module = findModule(offers, unit.module);
    const [resolution, a, b] = module?.sliders ?? [null, null, null];
    const fields = /** @type {const} */ (["processor_res", "threshold_a", "threshold_b"]);
    const own = [unit.pixel_perfect ? null : resolution, a, b].flatMap((each, index) => {
      const field = fields[index];
      return each ? [slider(each, unit[field] < 0 ? each.value : unit[field], (value) => this.change({ [field]: value }))] : [];
    });
    const weight = { name: "Control Weight", min: 0, max: 2, step: 0.05, value: 1 };
    const start = { name: "Starting Control Step", min: 0, max: 1, step: 0.01, value: 0 };
    const end = { name: "Ending Control Step", min: 0, max: 1, step: 0.01, value: 1 };
    return make(
      "div",
      { className: "cn-numbers" },
      slider(weight, unit.weight, (value) => this.change({ weight: value })),
      slider(start, unit.guidance_start, (value) => this.change({ guidance_start: value })),
      slider(end, unit.guidance_end, (value) => this.change({ guidance_end: value })),
      ...own,
    );
  }

  drawModes() {
    const { unit } = this;
    const list = (/** @type {string[]} */ values) => values.map((value) => ({ value }));
    return make(
      "div",
      { className: "cn-modes" },
      choice("Control Mode", list(CONTROL_MODES), unit.control_mode, (mode) => this.change({ control_mode: mode }), { id: `${this.id}_controlnet_control_mode` }),
      choice("Resize Mode", list(RESIZE_MODES), unit.resize_mode, (mode) => this.change({ resize_mode: mode }), { id: `${this.id}_controlnet_resize_mode` }),
      choice("Hires fix", list(HIRES_OPTIONS), unit.hr_option, (option) => this.change({ hr_option: option }), { id: `${this.id}_controlnet_hr_option` }),
    );
  }

  /** @param {boolean} shown */
  allowPreview(shown) {
    if (!shown) {
      this.preview.hidden = true;
      this.tickPreview();
    } else if (this.preview.childElementCount) this.preview.hidden = false;
    else void this.runPreprocessor();
  }

  /** Shows what the preprocessor makes of the picture. */
  async runPreprocessor() {
    const { unit } = this;
    const reference = unit.batch_images[0] ?? unit.image ?? (await this.owner.canvas());
    if (!reference) {
      this.say("Drop a picture first; then this shows what the preprocessor makes of it.");
      this.tickPreview();
      return;
    }
    this.element.classList.add("cn-working");
    this.preview.hidden = false;
    this.preview.replaceChildren(make("p", { className: "cn-waiting", role: "status", textContent: `Running ${unit.module} …` }));
    try {
      const { naturalWidth: width, naturalHeight: height } = await loadPicture(reference);
      const size = { width, height };
      const resolution = unit.pixel_perfect ? pixelPerfect(size, this.formSize(), unit.resize_mode) : unit.processor_res;
      const made = await ask("POST", "controlnet/preview", {
        image: reference, mask: unit.mask, module: unit.module, resolution, threshold_a: unit.threshold_a, threshold_b: unit.threshold_b,
      });
      await loadPicture(made.reference);
      this.showPreview(made);
    } catch (error) {
      this.preview.hidden = true;
      this.preview.replaceChildren();
      this.say(messageOf(error));
    } finally {
      this.element.classList.remove("cn-working");
      this.tickPreview();
    }
  }

  /** The tick tells whether the preview is shown. */
  tickPreview() {
    const box = /** @type {HTMLInputElement | null} */ (document.getElementById(`${this.id}_controlnet_preview_checkbox`));
    if (box) box.checked = !this.preview.hidden;
  }

  /** @param {KeptPicture} made */
  showPreview({ reference, width, height }) {
    const image = make("img", { src: pictureAddress(reference), alt: `What ${this.unit.module} makes of the picture`, className: "cn-image" });
    const use = button("Use as picture", () => {
      this.preview.hidden = true;
      this.change(chooseModule("none"));
      this.setPicture(reference);
    }, { title: "Make this the unit's picture, without preprocessor" });
    const close = button("Close", () => this.allowPreview(false));
    this.preview.replaceChildren(image, make("figcaption", {}, `${width}×${height}`, make("span", { className: "cn-gap" }), use, close));
  }

  /** The form's width and height. */
  formSize() {
    const read = (/** @type {string} */ side) => {
      const field = /** @type {HTMLInputElement | null} */ (document.querySelector(`#${this.owner.tab}_${side} input[type="number"]`));
      return Number(field?.value) || 512;
    };
    return { width: read("width"), height: read("height") };
  }

  sendSizeToForm() {
    if (!this.size) return;
    for (const side of /** @type {const} */ (["width", "height"])) {
      const field = /** @type {HTMLInputElement | null} */ (document.querySelector(`#${this.owner.tab}_${side} input[type="number"]`));
      if (!field) continue;
      // Sizes are multiples of 8, as latents are.
      field.value = String(Math.max(64, Math.round(this.size[side] / 8) * 8));
      for (const name of ["input", "change", "blur"]) field.dispatchEvent(new Event(name, { bubbles: true }));
    }
  }

  editPose() {
    const size = this.size ?? this.formSize();
    this.owner.openPose(this.unit, size, (reference) => {
      const offers = this.owner.offers();
      this.type = "OpenPose" in offers.types ? "OpenPose" : ALL;
      this.change({ ...chooseType(offers, this.type), ...chooseModule("none") });
      this.preview.hidden = true;
      this.setPicture(reference);
    });
  }
}

/**
 * What the preprocessor does, and what to do where there is no model.
 * @param {Offers} offers
 * @param {OfferedModule | null} module
 * @param {number} count
 * @param {string} type
 */
function describeChoice(offers, module, count, type) {
  const about = module?.about ?? "";
  if (module?.model_free || count) return about;
  const family = offers.family ? ` for ${offers.family}` : "";
  const what = type === ALL ? "ControlNet" : `${type} model`;
  return `${about} There is no ${what}${family} here: put its file into models/ControlNet, or drop it on the page.`;
}

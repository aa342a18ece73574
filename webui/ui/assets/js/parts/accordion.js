// The accordion of one part in one tab: a tick, a title, and the form, which is drawn when it is first opened.
import { iconButton, make } from "../controls.js";
import { readForm } from "../form.js";
import { address, ask, messageOf } from "../server.js";
import { drawForm } from "./draw.js";
import { pictureField, upload } from "./picture.js";
import { isEqual } from "./schema.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./store.js").Value} Value */
/** @typedef {import("./schema.js").Schema} Schema */

export class Accordion {
  /** @type {MountedPart | null} */
  #mounted = null;
  #isOpen = false;

  /**
   * @param {Tab} tab
   * @param {PartInfo} part
   * @param {Store} store
   * @param {() => PartDrawer | undefined} drawer
   */
  constructor(tab, part, store, drawer) {
    this.tab = tab;
    this.part = part;
    this.store = store;
    this.drawer = drawer;
    const id = `${tab}_part_${part.key}`;
    this.hasTick = part.schema.properties?.enabled?.type === "boolean";
    this.tick = make("input", { type: "checkbox", id: `${id}_enabled`, attributes: { "aria-label": `Enable ${part.title}` } });
    this.line = make("span", { className: "part-line" });
    this.toggle = make(
      "button",
      { type: "button", className: "part-toggle", title: part.about, onclick: () => this.open(!this.#isOpen), attributes: { "aria-expanded": "false", "aria-controls": `${id}_inside` } },
      make("span", { className: "part-title", textContent: part.title }),
      this.line,
    );
    this.reset = iconButton("reset", `Reset ${part.title}`, () => this.set(part.defaults, true));
    this.inside = make("div", { id: `${id}_inside`, className: "part-inside", hidden: true });
    this.element = make(
      "section",
      { id, className: "part-accordion", attributes: { "data-part": part.key, "aria-label": part.title } },
      make("div", { className: "part-head" }, ...(this.hasTick ? [this.tick] : []), this.toggle, this.reset),
      this.inside,
    );
    this.tick.onchange = () => {
      this.set({ ...this.read(), enabled: this.tick.checked });
      this.open(this.tick.checked);
    };
    store.listeners.add((keys) => {
      if (!keys || keys.has(part.key)) this.show();
    });
    this.show();
  }

  read() {
    return this.store.read(this.part.key);
  }

  /**
   * @param {Value} value
   * @param {boolean} [redraws]
   */
  set(value, redraws = false) {
    this.isOwn = !redraws;
    this.store.set(this.part.key, value);
    this.isOwn = false;
  }

  /** Shows what the part is set to now. */
  show() {
    const value = this.read();
    this.tick.checked = Boolean(value.enabled);
    this.reset.hidden = isEqual(value, this.part.defaults);
    this.element.classList.toggle("changed", !this.reset.hidden);
    this.#say(value);
    if (!this.isOwn) this.#guard(() => this.#mounted?.update?.(value));
  }

  /** @param {Value} value */
  #say(value) {
    this.#guard(() => (this.line.textContent = this.drawer()?.summary?.(value) ?? ""));
  }

  /** @param {boolean} opens */
  open(opens) {
    this.#isOpen = opens;
    this.toggle.setAttribute("aria-expanded", String(opens));
    this.inside.hidden = !opens;
    if (opens && !this.#mounted) this.draw();
  }

  /** Draws the form, anew where it was drawn before. */
  draw() {
    // A drawer may come after the accordion: what is closed has its few words from it too.
    this.#say(this.read());
    if (!this.#isOpen && !this.#mounted) return;
    this.#guard(() => this.#mounted?.destroy?.());
    const drawer = this.drawer();
    this.inside.replaceChildren(...(this.part.about && !drawer ? [make("p", { className: "part-about", textContent: this.part.about })] : []));
    const place = make("div", { className: "part-mount" });
    this.inside.append(place);
    const onChange = (/** @type {Value} */ value) => this.set(value);
    this.#mounted = {};
    this.#guard(() => {
      const mounted = drawer
        ? drawer.mount(place, this.read(), onChange, this.context())
        : drawForm(place, this.part.schema, this.part.schema, this.read(), onChange, this.hasTick ? ["enabled"] : []);
      this.#mounted = mounted ?? {};
    });
  }

  /** @returns {PartContext} */
  context() {
    const { part, tab } = this;
    return {
      key: part.key,
      tab,
      title: part.title,
      schema: part.schema,
      defaults: part.defaults,
      read: () => this.read(),
      draw: (element, schema, value, onChange) => drawForm(element, schema, part.schema, value, onChange),
      picture: pictureField,
      upload,
      address: (path) => address(path).href,
      ask,
      canvas: async () => {
        const { mode } = await readForm("img2img");
        const told = JSON.parse((await window.webui.canvasPictures(String(mode))) || "{}");
        return told.original ?? told.image ?? null;
      },
      form: () => readForm(tab),
    };
  }

  /**
   * Does something with code of an extension; what it throws stands in the accordion.
   * @param {() => unknown} act
   */
  #guard(act) {
    try {
      act();
    } catch (error) {
      console.warn(error);
      const words = `${this.part.title} failed on the page: ${messageOf(error)}`;
      this.inside.prepend(make("p", { className: "notice-box error", textContent: words }));
    }
  }
}

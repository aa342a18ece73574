// Regional prompts' form on the page: that of its fields, and a canvas on which the regions are painted.
import { Painter } from "./painter.js";

// What stands above the canvas. The tick stands in the accordion's head, and the masks are what is painted.
const ABOVE = ["mode", "submode", "ratios"];
const ELSEWHERE = ["enabled", "masks"];

/** @type {PartDrawer} */
const drawer = {
  mount(element, value, onChange, context) {
    let current = value;
    element.classList.add("rp-regions");
    const drawFields = (/** @type {(name: string) => boolean} */ isHere) => {
      const properties = Object.entries(context.schema.properties).filter(([name]) => isHere(name));
      const place = document.createElement("div");
      element.append(place);
      return context.draw(place, { ...context.schema, properties: Object.fromEntries(properties) }, current, (now) => {
        const own = Object.entries(now).filter(([name]) => isHere(name));
        change({ ...current, ...Object.fromEntries(own) });
      });
    };
    const above = drawFields((name) => ABOVE.includes(name));
    const painter = new Painter(context, (masks) => change({ ...current, masks }));
    painter.tools.append(behindButton(painter, context));
    const change = (/** @type {Record<string, any>} */ now) => {
      current = now;
      painter.element.hidden = now.mode !== "Mask";
      onChange(now);
    };
    const open = async () => {
      const { width, height } = await context.form();
      await painter.open({ width: Number(width) || 1, height: Number(height) || 1 }, current.masks);
    };
    painter.element.hidden = value.mode !== "Mask";
    element.append(painter.element);
    const below = drawFields((name) => ![...ABOVE, ...ELSEWHERE].includes(name));
    void open();
    // The canvas has the picture's shape.
    let shape = "";
    const ending = new AbortController();
    addEventListener("form-change", ({ detail: { key, values } }) => {
      if (key !== `atelier.${context.tab}`) return;
      const now = `${values.width}×${values.height}`;
      if (shape !== "" && shape !== now) void open();
      shape = now;
    }, { signal: ending.signal });
    return {
      update(now) {
        current = { ...now };
        above.update(now);
        below.update(now);
        painter.element.hidden = now.mode !== "Mask";
        if (!painter.shows(now.masks)) void open();
      },
      destroy: () => ending.abort(),
    };
  },
  summary(value) {
    if (!value.enabled) return "";
    return value.mode === "Mask" ? `${value.masks.length} painted` : value.submode.toLowerCase();
  },
};

/**
 * Shows the picture that is worked on behind the areas, or hides it.
 * @param {Painter} painter
 * @param {PartContext} context
 */
function behindButton(painter, context) {
  const show = document.createElement("button");
  show.type = "button";
  show.className = "rp-button";
  show.textContent = "Show picture";
  show.title = context.tab === "img2img" ? "The canvas' picture behind the areas" : "The last result behind the areas";
  show.setAttribute("aria-pressed", "false");
  show.onclick = async () => {
    const shows = show.getAttribute("aria-pressed") === "false";
    const address = shows ? await pictureOf(context) : null;
    painter.say(shows && !address ? "There is no picture yet." : "");
    painter.showBehind(address);
    show.setAttribute("aria-pressed", String(Boolean(address)));
  };
  return show;
}

/** @param {PartContext} context @returns {Promise<string | null>} */
async function pictureOf(context) {
  if (context.tab === "img2img") {
    const reference = await context.canvas();
    return reference && context.address(`v1/inputs/${reference}`);
  }
  /** @type {HTMLImageElement | null} */
  const shown = document.querySelector(`#${context.tab}_gallery :is(.preview .media-button, .thumbnail-item) img`);
  return shown?.src ?? null;
}

window.atelier.registerPart("regional_prompts", drawer);

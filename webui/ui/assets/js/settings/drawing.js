// The sections of the Settings tab, a fifth of all fields: Gradio draws them a moment after the page can be used, one
// at a time, so that nobody waits for them; at once where the tab is opened before.
import { appears, find, findAll, onceChosen, publish } from "../dom.js";

const PAUSE_MS = 3000;
// An extension's section may have nothing but words or buttons in it.
const MOST_WAITED_MS = 3000;
const LINKS = "#settings_sections nav a";

/**
 * Resolves when the browser has nothing else to do.
 * @returns {Promise<void>}
 */
function idle() {
  return new Promise((resolve) => {
    if ("requestIdleCallback" in window) requestIdleCallback(() => resolve());
    else setTimeout(resolve, PAUSE_MS);
  });
}

/**
 * The selector of the section that a link leads to: an extension's may have any letters in its name.
 * @param {string} link as `#settings_models`
 */
export function sectionOf(link) {
  return `[id="${CSS.escape(link.replace(/^#/, ""))}"]`;
}

async function draw() {
  const tab = await appears("#tab_settings");
  await appears("#settings_draw");
  await appears(LINKS);
  const sections = findAll(LINKS).map((link) => sectionOf(link.getAttribute("href") ?? ""));
  let wanted = 0;
  const next = (/** @type {number} */ many) => {
    if (many <= wanted) return;
    wanted = many;
    find("#settings_draw")?.click();
  };
  // `drawSections` is for whoever needs all of them soon.
  const asked = new Promise((resolve) => publish({ drawSections: () => resolve(next(sections.length)) }));
  // What Gradio asks for when the button is clicked: an update for each section.
  publish({
    sectionsToDraw: () => sections.map((_, index) => ({ __type__: "update", ...(index < wanted ? { visible: true } : {}) })),
  });
  const opened = new Promise((resolve) => onceChosen(tab, () => resolve(next(sections.length))));
  const calm = appears("#txt2img_stored .restored").then(() => new Promise((resolve) => setTimeout(resolve, PAUSE_MS)));
  await Promise.race([opened, asked, calm]);
  for (const [index, section] of sections.entries()) {
    if (!find(`${section} .setting`) && index >= wanted) await idle();
    next(index + 1);
    await appears(section);
    await Promise.race([appears(`${section} .setting`), new Promise((resolve) => setTimeout(resolve, MOST_WAITED_MS))]);
  }
}

/** Resolves when all sections are drawn. @type {Promise<void>} */
export const sectionsDrawn = draw();

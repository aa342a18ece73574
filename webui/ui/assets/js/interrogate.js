// Interrogate CLIP and Interrogate DeepBooru: the picture of img2img, described by a network, becomes its prompt.
import { appears, find, type } from "./dom.js";
import { iconButton, make } from "./controls.js";
import { button } from "./dialogs.js";
import { ask, messageOf } from "./server.js";
import { listCaptioners, openOffers } from "./captioning/offers.js";
import { placeSettings } from "./captioning/settings.js";

/** @typedef {"clip" | "deepbooru"} Interrogator */

/** @type {Record<Interrogator, {id: string, icon: string, words: string}>} */
const BUTTONS = {
  clip: { id: "interrogate", icon: "caption", words: "Interrogate CLIP: describe the picture in a sentence" },
  deepbooru: { id: "deepbooru", icon: "tags", words: "Interrogate DeepBooru: find the picture's tags" },
};
const NO_ONE_PICTURE = "Batch has many pictures. Choose another mode, with the picture to describe.";

const said = make("p", { className: "hint interrogate-said", hidden: true, attributes: { role: "status" } });

/**
 * Shows a sentence, with buttons behind it.
 * @param {string} text
 * @param {...Node} more
 */
function say(text, ...more) {
  said.replaceChildren(text, ...more);
  said.hidden = !text;
}

/** The reference of the picture that is shown. Throws an Error with a sentence. */
async function pictureShown() {
  const mode = find("#img2img_mode input:checked")?.value ?? "";
  const { image, problem } = JSON.parse(await window.webui.canvasPictures(mode));
  if (problem) throw new Error(problem);
  if (!image) throw new Error(NO_ONE_PICTURE);
  return image;
}

/**
 * Describes the picture, or offers what is needed for it.
 * @param {Interrogator} captioner
 */
async function interrogate(captioner) {
  const known = await listCaptioners();
  const taggers = captioner === "deepbooru";
  const here = known.captioners.filter((each) => each.present && each.is_tagger === taggers);
  // Where one could be used and none is chosen, the server's sentence tells why.
  if (!known.interrogators[captioner] && here.every((each) => each.reason)) {
    const why = here.map((each) => `${each.name} cannot be used. ${each.reason} `).join("");
    const get = button(taggers ? "Get a tagger" : "Get a captioner", () => openOffers(known, taggers));
    say(why || `There is no ${taggers ? "tagger" : "captioner"} yet, so nothing can describe the picture. `, get);
    return;
  }
  const image = await pictureShown();
  say("Describing the picture …");
  const { caption } = await ask("POST", "v1/captioning", { image, captioner });
  type(find("#img2img_prompt textarea"), caption);
  say(caption ? "" : "Nothing was found in the picture.");
}

/** @param {Interrogator} captioner */
function makeButton(captioner) {
  const { id, icon, words } = BUTTONS[captioner];
  const made = iconButton(icon, words, async () => {
    if (made.ariaBusy === "true") return;
    made.ariaBusy = "true";
    say("");
    try {
      await interrogate(captioner);
    } catch (error) {
      say(messageOf(error));
    }
    made.ariaBusy = "false";
  });
  made.id = id;
  return made;
}

const tools = await appears("#img2img_tools");
tools.append(makeButton("clip"), makeButton("deepbooru"));
tools.after(said);
void placeSettings();

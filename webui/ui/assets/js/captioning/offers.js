// Captioners that can be fetched: what each is, how large, under which licence. No other host is asked before a click.
import { make } from "../controls.js";
import { button, dialogButtons, openDialog, sizeText } from "../dialogs.js";
import { ask, messageOf } from "../server.js";

/** @typedef {{repo: string, page: string, size: number, licence: string, about: string}} FetchOffer */
/**
 * @typedef {{id: string, name: string, sort: string, is_tagger: boolean, size: number, licence: string, present: boolean,
 *   reason: string | null, fetch: FetchOffer | null, downloads: Download[]}} Captioner
 */
/** @typedef {{captioners: Captioner[], interrogators: Record<string, string | null>, can_tag: boolean}} Captioners */

const NO_RUNTIME =
  "Taggers need ONNX Runtime, which is not installed: pip install onnxruntime in the program's environment, then restart.";

/** @returns {Promise<Captioners>} */
export function listCaptioners() {
  return ask("GET", "v1/captioning");
}

/**
 * One captioner of the dialog.
 * @param {Captioner} captioner
 * @param {FetchOffer} offer
 */
function drawOffer({ name, sort, downloads }, { repo, page, size, licence, about }) {
  const said = make("p", { className: "hint", attributes: { role: "status" } });
  const fetch = button("Download", async () => {
    fetch.disabled = true;
    said.textContent = "Asking Hugging Face …";
    try {
      const answer = await ask("POST", "v1/captioning/fetch", { repo });
      window.webui.followDownloads(answer.downloads);
      fetch.textContent = "On its way";
      said.textContent = "";
    } catch (error) {
      fetch.disabled = false;
      said.textContent = messageOf(error);
    }
  }, { className: "primary" });
  fetch.setAttribute("aria-label", `Download ${name}`);
  if (downloads.length) {
    fetch.disabled = true;
    fetch.textContent = "On its way";
  }
  const more = make("a", { href: page, target: "_blank", rel: "noreferrer noopener", textContent: licence });
  const text = make("div", {},
    make("strong", { textContent: name }),
    make("span", { className: "hint", textContent: ` ${sort}, ${sizeText(size)}` }),
    make("p", { textContent: about }),
    make("p", { className: "hint" }, "Licence: ", more), said);
  return make("li", {}, text, fetch);
}

/**
 * Opens the list of what can be fetched.
 * @param {Captioners} known
 * @param {boolean} taggers
 */
export function openOffers(known, taggers) {
  const offers = known.captioners.flatMap((each) =>
    each.fetch && each.is_tagger === taggers ? [drawOffer(each, each.fetch)] : []);
  const hint = taggers
    ? "A tagger finds tags, such as those of Danbooru, in a picture."
    : "A captioner describes a picture in a sentence.";
  const dialog = openDialog(
    taggers ? "Get a tagger" : "Get a captioner",
    { narrow: true },
    make("p", { className: "hint", textContent: `${hint} Each comes from Hugging Face. Read its licence first; downloads go on while you work.` }),
    ...(taggers && !known.can_tag ? [make("p", { textContent: NO_RUNTIME })] : []),
    make("ul", { className: "first-models" }, ...offers),
    dialogButtons(null, button("Close", () => dialog.close())),
  );
}

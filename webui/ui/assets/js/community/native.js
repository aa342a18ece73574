// What is here already in place of an extension: a sentence, and a button that leads there.
import { make } from "../controls.js";
import { button } from "../dialogs.js";
import { find } from "../dom.js";

/** Opens the fold of a part in txt2img. @param {string} key */
function openPart(key) {
  window.webui.showTab("txt2img");
  const part = find(`#txt2img_part_${CSS.escape(key)}`);
  const toggle = part?.querySelector(".part-toggle");
  if (!(toggle instanceof HTMLElement)) return;
  if (toggle.getAttribute("aria-expanded") === "false") toggle.click();
  part?.scrollIntoView({ block: "start" });
  toggle.focus();
}

/** Chooses a script in the tab that it is for. @param {string} title */
function openScript(title) {
  const tab = title.includes("upscale") ? "img2img" : "txt2img";
  window.webui.showTab(tab);
  const list = find(`#${tab}_script_list`);
  if (!(list instanceof HTMLSelectElement)) return;
  list.value = title;
  list.dispatchEvent(new Event("change", { bubbles: true }));
  list.scrollIntoView({ block: "center" });
  list.focus();
}

/** Leads to a native feature. @param {NativeFeature} feature */
export function openNative({ opens }) {
  const at = opens.indexOf(":");
  const [kind, name] = [opens.slice(0, at), opens.slice(at + 1)];
  if (kind === "part") openPart(name);
  else if (kind === "cards") window.webui.showCards("txt2img", name);
  else if (kind === "script") openScript(name);
  else if (kind === "tab") window.webui.showTab(name);
}

/** A button that leads there; null where there is nothing. @param {NativeFeature} feature @param {() => void} [first] */
export function nativeButton(feature, first = () => {}) {
  if (!feature.opens) return null;
  return button(`Open ${feature.title}`, () => {
    first();
    openNative(feature);
  }, { className: "native-open" });
}

/** The sentence with its button. @param {NativeFeature} feature */
export function nativeNote(feature) {
  const opener = nativeButton(feature);
  return make("div", { className: "community-native" }, make("p", { textContent: feature.sentence }), ...(opener ? [opener] : []));
}

// A field of a part that holds a picture: dropped, pasted or chosen, and kept by the server.
import { make } from "../controls.js";
import { address, ask, messageOf } from "../server.js";

/**
 * Sends a picture to the server.
 * @param {Blob} blob
 * @returns {Promise<{reference: string, width: number, height: number}>}
 */
export function upload(blob) {
  return ask("POST", "v1/inputs", blob);
}

/** @param {string} reference */
export function pictureAddress(reference) {
  return address(`v1/inputs/${reference}`).href;
}

/**
 * @param {string} label
 * @param {string | null} reference
 * @param {(reference: string | null) => void} onChange
 * @param {{about?: string, name?: string}} [options]
 */
export function pictureField(label, reference, onChange, { about = "", name = "" } = {}) {
  const shown = make("img", { alt: "" });
  const said = make("span", { className: "part-picture-say", attributes: { role: "status" } });
  const choose = make("button", { type: "button", className: "part-picture-choose", title: about, attributes: { "aria-label": `${label}: choose a picture` } }, shown, said);
  const remove = make("button", { type: "button", className: "tool icon-clear", title: "Remove the picture", textContent: "Remove the picture" });
  const file = make("input", { type: "file", accept: "image/*", hidden: true, tabIndex: -1, attributes: { "aria-label": label } });
  const element = make(
    "div",
    { className: "part-field part-picture", attributes: { "data-field": name } },
    make("span", { className: "part-label", textContent: label }),
    make("div", { className: "part-picture-box" }, choose, remove, file),
  );
  let sent = 0;
  const update = (/** @type {string | null} */ now) => {
    shown.hidden = remove.hidden = !now;
    if (now) shown.src = pictureAddress(now);
    else shown.removeAttribute("src");
    said.textContent = now ? "" : "Drop a picture here, or click to choose";
  };
  const take = async (/** @type {Blob | undefined | null} */ blob) => {
    if (!blob) return;
    sent += 1;
    const mine = sent;
    said.textContent = "Sending the picture";
    try {
      const kept = await upload(blob);
      if (mine !== sent) return;
      update(kept.reference);
      onChange(kept.reference);
    } catch (error) {
      if (mine === sent) said.textContent = messageOf(error);
    }
  };
  choose.onclick = () => file.click();
  file.onchange = () => {
    void take(file.files?.[0]);
    file.value = "";
  };
  remove.onclick = () => {
    sent += 1;
    update(null);
    onChange(null);
    choose.focus();
  };
  element.ondragover = (event) => {
    event.preventDefault();
    element.classList.add("over");
  };
  element.ondragleave = () => element.classList.remove("over");
  element.ondrop = (event) => {
    // The whole page takes files too: this one is for the field.
    event.preventDefault();
    event.stopPropagation();
    element.classList.remove("over");
    const transfer = event.dataTransfer;
    const dropped = [...(transfer?.files ?? [])].find((each) => each.type.startsWith("image/"));
    if (dropped) void take(dropped);
    else void takeLink(transfer?.getData("text/uri-list") ?? "");
  };
  // A picture of this page that was dragged: only from this server.
  const takeLink = async (/** @type {string} */ link) => {
    if (!link.startsWith(address("").href)) return;
    const answer = await fetch(link).catch(() => null);
    if (answer?.ok) await take(await answer.blob());
  };
  element.onpaste = (event) => {
    const pasted = [...(event.clipboardData?.files ?? [])].find((each) => each.type.startsWith("image/"));
    if (!pasted) return;
    event.preventDefault();
    event.stopPropagation();
    void take(pasted);
  };
  // A server that was moved may have lost it.
  shown.onerror = () => (said.textContent = "This picture is no longer here. Choose it again.");
  update(reference);
  return { element, update };
}

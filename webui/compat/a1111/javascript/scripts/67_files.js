// Files that scripts put into the page's fields. Gradio 3 took those that say no kind; Gradio 6 leaves them out where
// a field wants pictures, so that they get the kind that their name says before it is told of them.

(() => {
  /** @type {Record<string, string>} */
  const KINDS = {
    png: "image/png", jpg: "image/jpeg", jpeg: "image/jpeg", webp: "image/webp", gif: "image/gif", bmp: "image/bmp",
    avif: "image/avif", mp4: "video/mp4", webm: "video/webm", mov: "video/quicktime", wav: "audio/wav", mp3: "audio/mpeg",
    json: "application/json", txt: "text/plain",
  };

  /** The file with a kind: by the end of its name, or a picture where the field takes pictures alone. */
  function withKind(/** @type {File} */ file, /** @type {string} */ wanted) {
    const ending = file.name.split(".").pop()?.toLowerCase() ?? "";
    const type = file.type || KINDS[ending] || (wanted === "image/*" ? "image/png" : "");
    return type === file.type ? file : new File([file], file.name, { type, lastModified: file.lastModified });
  }

  addEventListener("change", ({ isTrusted, target }) => {
    if (isTrusted || !(target instanceof HTMLInputElement) || target.type !== "file" || !target.files) return;
    const given = [...target.files];
    if (given.every((file) => file.type)) return;
    const kept = new DataTransfer();
    for (const file of given) kept.items.add(withKind(file, target.accept.trim()));
    target.files = kept.files;
  }, { capture: true });
})();

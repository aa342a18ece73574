// A unit's picture: dropped, pasted or chosen, with the masks that are painted on it, and its map beside it.
import { button, keepPicture, loadPicture, make, messageOf, pictureAddress } from "./elements.js";
import { Painter } from "./painter.js";

const PAINTS = /** @type {const} */ ([
  { field: "mask", words: "Mask", about: "What inpainting draws anew", colour: "#ffffff" },
  { field: "effective_region_mask", words: "Effective region", about: "Where the unit acts", colour: "#ffb000" },
]);
const BRUSHES = /** @type {const} */ ([1, 60]);

/**
 * The picture's part of a unit.
 * @param {string} id - of the field for files
 * @param {ControlUnit} unit
 * @param {{
 *   change: (values: Partial<ControlUnit>) => void,
 *   say: (sentence: string) => void,
 *   sized: (size: {width: number, height: number} | null) => void,
 * }} owner
 */
export function pictureBox(id, unit, { change, say, sized }) {
  let state = { image: unit.image, mask: unit.mask, effective_region_mask: unit.effective_region_mask };
  const input = make("input", { type: "file", accept: "image/*", id, className: "cn-file", "aria-label": "Picture of this unit" });
  const invitation = make(
    "label",
    { className: "cn-invitation", htmlFor: id },
    make("strong", { textContent: "Drop a picture here" }),
    make("span", { textContent: "or paste it, or click to choose a file" }),
  );
  const image = make("img", { className: "cn-image", alt: "Picture of this unit" });
  const stack = make("div", { className: "cn-stack", hidden: true }, image);
  const box = make("div", { className: "cn-picture", tabIndex: 0, role: "group", "aria-label": "Picture: paste or drop one here", "data-takes-pictures": "" }, input, invitation, stack);
  const tools = make("div", { className: "cn-tools", hidden: true });
  const element = make("div", { className: "cn-picture-part" }, box, tools);

  const painters = PAINTS.map(
    ({ field, words, colour }) =>
      new Painter(
        words,
        colour,
        (reference) => {
          state = { ...state, [field]: reference };
          change({ [field]: reference });
        },
        (error) => say(messageOf(error)),
      ),
  );
  for (const { canvas } of painters) stack.append(canvas);

  /** @param {Blob | undefined | null} file */
  const take = async (file) => {
    if (!file) return;
    if (file.type && !file.type.startsWith("image/")) {
      say("This file is no picture. Drop a PNG, JPEG or WebP.");
      return;
    }
    box.classList.add("cn-busy");
    try {
      const { reference } = await keepPicture(file);
      set(reference);
    } catch (error) {
      say(messageOf(error));
    } finally {
      box.classList.remove("cn-busy");
      input.value = "";
    }
  };

  /**
   * Another picture; masks of the one before go.
   * @param {string | null} reference
   */
  const set = (reference) => {
    state = { image: reference, mask: null, effective_region_mask: null };
    change({ ...state, ...(reference ? { enabled: true } : {}) });
    say("");
    void show();
  };

  const show = async () => {
    const { image: reference } = state;
    invitation.hidden = Boolean(reference);
    stack.hidden = tools.hidden = !reference;
    sized(null);
    if (!reference) return;
    image.src = pictureAddress(reference);
    try {
      const { naturalWidth: width, naturalHeight: height } = await loadPicture(reference);
      if (state.image !== reference) return;
      sized({ width, height });
      stack.style.aspectRatio = `${width} / ${height}`;
      await Promise.all(PAINTS.map(({ field }, index) => painters[index].open({ width, height }, state[field])));
    } catch {
      stack.hidden = tools.hidden = true;
      invitation.hidden = false;
      say("The picture is no longer on the server. Drop it again.");
    }
  };

  input.addEventListener("change", () => void take(input.files?.[0]));
  box.addEventListener("dragover", (event) => {
    event.preventDefault();
    event.stopPropagation();
    box.classList.add("cn-over");
  });
  box.addEventListener("dragleave", () => box.classList.remove("cn-over"));
  box.addEventListener("drop", (event) => {
    event.preventDefault();
    // The page as a whole takes models and pictures that are dropped beside.
    event.stopPropagation();
    box.classList.remove("cn-over");
    void take(event.dataTransfer?.files[0]);
  });
  box.addEventListener("paste", (event) => {
    const file = [...(event.clipboardData?.files ?? [])].find(({ type }) => type.startsWith("image/"));
    if (!file) return;
    event.preventDefault();
    event.stopPropagation();
    void take(file);
  });
  box.addEventListener("keydown", (event) => {
    if (event.target !== box || !["Enter", " "].includes(event.key) || state.image) return;
    event.preventDefault();
    input.click();
  });
  tools.append(...paintTools(`${id}_paint`, painters, stack), button("Other picture", () => input.click()), button("Remove", () => set(null)));
  void show();
  return { element, set };
}

/**
 * Which mask is painted, with what brush, and what is done to it as a whole.
 * @param {string} name
 * @param {Painter[]} painters
 * @param {HTMLElement} stack
 */
function paintTools(name, painters, stack) {
  let active = -1;
  const brush = make("input", {
    type: "range", min: BRUSHES[0], max: BRUSHES[1], value: painters[0].brush, "aria-label": "Brush size", title: "Brush size",
    oninput: () => painters.forEach((painter) => (painter.brush = Number(brush.value))),
  });
  const acts = [
    button("Undo", () => painters[active]?.undo(), { title: "Take the last stroke back" }),
    button("Clear", () => painters[active]?.clear(), { title: "Unpaint all" }),
    button("Invert", () => painters[active]?.invert(), { title: "Paint what is not, and unpaint what is" }),
  ];
  const more = make("span", { className: "cn-brush", hidden: true }, brush, ...acts, make("small", { textContent: "Right button or Shift erases" }));
  const switches = PAINTS.map(({ words, about }, index) =>
    button(words, () => choose(active === index ? -1 : index), { title: about, "aria-pressed": "false" }),
  );
  const choose = (/** @type {number} */ index) => {
    active = index;
    more.hidden = index < 0;
    stack.classList.toggle("cn-painting", index >= 0);
    painters.forEach(({ canvas }, each) => canvas.classList.toggle("cn-active", each === index));
    switches.forEach((each, at) => each.setAttribute("aria-pressed", String(at === index)));
  };
  return [make("span", { className: "cn-paint-switches", role: "group", "aria-label": `Paint ${name ? "on the picture" : ""}` }, "Paint", ...switches), more];
}

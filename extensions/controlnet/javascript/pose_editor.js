// The pose editor: people as skeletons whose joints are dragged, written into a unit as a picture.
import { ask, button, choice, keepPicture, make, messageOf, pictureAddress, toPng } from "./elements.js";
import {
  BONES, JOINTS, LIMBS, PoseHistory, addPerson, boneColour, colourOf, draw, emptyPose, fromJson, hideJoint, limbColour, mirrorPerson,
  moveJoint, movePerson, nameOf, removePerson, scalePerson, showJoint, toJson, toggleHand,
} from "./skeleton.js";

const SVG = "http://www.w3.org/2000/svg";
const [STEP, LARGE_STEP] = [1, 10];
const [LARGER, SMALLER] = [1.1, 1 / 1.1];
const LONGEST_SIDE = 4096;
/** @type {Record<string, [x: number, y: number]>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
/** Poses by the picture that was made of them, to go on with. @type {Map<string, Pose>} */
const written = new Map();

/**
 * An element of a drawing.
 * @param {string} name
 * @param {Record<string, string | number>} attributes
 */
function shape(name, attributes) {
  const element = /** @type {SVGElement} */ (document.createElementNS(SVG, name));
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  return element;
}

/**
 * Opens the editor over the page; `done` gets the picture's reference.
 * @param {ControlUnit} unit
 * @param {{width: number, height: number}} size
 * @param {(reference: string) => void} done
 */
export function openPoseEditor(unit, size, done) {
  const known = unit.image ? written.get(unit.image) : undefined;
  const shrink = Math.min(1, LONGEST_SIDE / Math.max(size.width, size.height));
  const fresh = addPerson(emptyPose(Math.round(size.width * shrink), Math.round(size.height * shrink)));
  return new PoseEditor(known ?? fresh, known ? null : unit.image, done);
}

/** The dialog. */
class PoseEditor {
  /**
   * @param {Pose} pose
   * @param {string | null} background - the reference of a picture to draw over
   * @param {(reference: string) => void} done
   */
  constructor(pose, background, done) {
    this.history = new PoseHistory(pose);
    this.person = 0;
    this.done = done;
    this.drawing = /** @type {SVGSVGElement} */ (shape("svg", { class: "cn-pose", role: "group", "aria-label": "People" }));
    this.background = make("img", { className: "cn-pose-background", alt: "" });
    this.showBackground(background);
    this.tools = make("div", { className: "cn-pose-tools" });
    this.message = make("p", { className: "cn-message", role: "status" });
    this.file = make("input", { type: "file", accept: ".json,application/json,image/*", className: "cn-file", "aria-label": "OpenPose JSON or a picture", onchange: () => void this.load(this.file.files?.[0]) });
    this.write = button("Write into the unit", () => void this.finish(), { className: "cn-button cn-primary" });
    /** @type {HTMLDialogElement} */
    this.dialog = make(
      "dialog",
      { className: "details cn-pose-dialog", "aria-label": "Pose editor", "data-takes-pictures": "" },
      make("h2", { textContent: "Pose editor" }),
      make("div", { className: "cn-pose-stage" }, this.background, this.drawing),
      make("p", { className: "cn-about", textContent: "Drag joints, or a limb to move the whole person. Arrow keys move the joint that has the focus, Delete hides it." }),
      this.tools,
      this.message,
      make("div", { className: "cn-pose-end" }, this.file, button("Load JSON or background", () => this.file.click()), button("Save JSON", () => this.save()), make("span", { className: "cn-gap" }), button("Cancel", () => this.dialog.close()), this.write),
    );
    this.dialog.addEventListener("close", () => this.dialog.remove());
    this.dialog.addEventListener("keydown", (event) => this.hear(event));
    this.dialog.addEventListener("dragover", (event) => event.preventDefault());
    this.dialog.addEventListener("drop", (event) => {
      event.preventDefault();
      event.stopPropagation();
      void this.load(event.dataTransfer?.files[0]);
    });
    document.body.append(this.dialog);
    this.dialog.showModal();
    this.draw();
  }

  /** @param {string | null} reference - of a picture to draw over */
  showBackground(reference) {
    this.reference = reference;
    this.background.hidden = !reference;
    if (reference) this.background.src = pictureAddress(reference);
  }

  get pose() {
    return this.history.pose;
  }

  /**
   * @param {Pose} pose
   * @param {Pose} [from]
   */
  change(pose, from) {
    this.history.change(pose, from);
    this.draw();
  }

  draw() {
    this.person = Math.max(0, Math.min(this.person, this.pose.people.length - 1));
    this.drawPeople();
    this.drawTools();
  }

  drawPeople() {
    const { width, height, people } = this.pose;
    const focused = document.activeElement?.getAttribute("data-place");
    this.drawing.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const stage = /** @type {HTMLElement} */ (this.drawing.parentElement);
    stage.style.setProperty("--shape", String(width / height));
    const unit = Math.max(width, height) / 512;
    this.drawing.replaceChildren(...people.flatMap((person, index) => this.drawPerson(person, index, unit)));
    if (focused) /** @type {SVGElement | null} */ (this.drawing.querySelector(`[data-place="${focused}"]`))?.focus();
  }

  /**
   * @param {Person} person
   * @param {number} index
   * @param {number} unit - pixels of the canvas for one of a usual canvas
   */
  drawPerson(person, index, unit) {
    const group = shape("g", { class: index === this.person ? "cn-person cn-chosen" : "cn-person" });
    const line = (/** @type {Joint} */ from, /** @type {Joint} */ to, /** @type {string} */ colour, /** @type {number} */ width) => {
      if (!from || !to) return;
      const limb = shape("line", { x1: from[0], y1: from[1], x2: to[0], y2: to[1], stroke: colour, "stroke-width": width * unit, "stroke-linecap": "round" });
      limb.addEventListener("pointerdown", (event) => this.dragPerson(/** @type {PointerEvent} */ (event), index));
      group.append(limb);
    };
    LIMBS.forEach(([from, to], limb) => line(person.body[from], person.body[to], limbColour(limb), 7));
    for (const hand of [person.left, person.right]) {
      if (hand) BONES.forEach(([from, to], bone) => line(hand[from], hand[to], boneColour(bone), 2));
    }
    for (const joint of person.face ?? []) {
      if (joint) group.append(shape("circle", { cx: joint[0], cy: joint[1], r: 2 * unit, fill: "white" }));
    }
    for (const part of /** @type {const} */ (["body", "left", "right"])) {
      person[part]?.forEach((joint, number) => {
        if (joint) group.append(this.drawJoint({ person: index, part, joint: number }, joint, (part === "body" ? 6 : 3.5) * unit));
      });
    }
    return [group];
  }

  /**
   * @param {JointPlace} place
   * @param {[number, number]} at
   * @param {number} radius
   */
  drawJoint(place, at, radius) {
    const dot = shape("circle", {
      cx: at[0], cy: at[1], r: radius, class: "cn-joint", tabindex: 0, role: "button", "aria-label": nameOf(place),
      fill: place.part === "body" ? colourOf(place.joint) : "#4060ff", "data-place": `${place.person}-${place.part}-${place.joint}`,
    });
    const title = shape("title", {});
    title.textContent = nameOf(place);
    dot.append(title);
    dot.addEventListener("pointerdown", (event) => this.dragJoint(/** @type {PointerEvent} */ (event), place));
    dot.addEventListener("keydown", (event) => this.moveByKey(/** @type {KeyboardEvent} */ (event), place));
    dot.addEventListener("focus", () => this.choose(place.person));
    return dot;
  }

  /** @param {number} person */
  choose(person) {
    if (person === this.person) return;
    this.person = person;
    [...this.drawing.children].forEach((group, index) => group.classList.toggle("cn-chosen", index === person));
    this.drawTools();
  }

  /**
   * A pointer's place in pixels of the canvas.
   * @param {PointerEvent} event
   * @returns {[number, number]}
   */
  placeOf({ clientX, clientY }) {
    const box = this.drawing.getBoundingClientRect();
    return [((clientX - box.left) / box.width) * this.pose.width, ((clientY - box.top) / box.height) * this.pose.height];
  }

  /**
   * Follows the pointer until it is lifted; all of it is one step to undo.
   * @param {PointerEvent} event
   * @param {(to: [number, number], from: [number, number], before: Pose) => Pose} move
   */
  drag(event, move) {
    event.preventDefault();
    event.stopPropagation();
    const before = this.pose;
    const from = this.placeOf(event);
    const follow = (/** @type {PointerEvent} */ moved) => {
      this.history.pose = move(this.placeOf(moved), from, before);
      this.drawPeople();
    };
    const end = () => {
      removeEventListener("pointermove", follow);
      removeEventListener("pointerup", end);
      removeEventListener("pointercancel", end);
      this.change(this.pose, before);
    };
    addEventListener("pointermove", follow);
    addEventListener("pointerup", end);
    addEventListener("pointercancel", end);
  }

  /**
   * @param {PointerEvent} event
   * @param {JointPlace} place
   */
  dragJoint(event, place) {
    this.choose(place.person);
    /** @type {SVGElement} */ (event.currentTarget).focus();
    this.drag(event, (to, _, before) => moveJoint(before, place, [this.within(to[0], "width"), this.within(to[1], "height")]));
  }

  /**
   * @param {PointerEvent} event
   * @param {number} person
   */
  dragPerson(event, person) {
    this.choose(person);
    this.drag(event, (to, from, before) => movePerson(before, person, to[0] - from[0], to[1] - from[1]));
  }

  /**
   * @param {number} value
   * @param {"width" | "height"} side
   */
  within(value, side) {
    return Math.min(Math.max(value, 0), this.pose[side]);
  }

  /**
   * @param {KeyboardEvent} event
   * @param {JointPlace} place
   */
  moveByKey(event, place) {
    const joint = this.pose.people[place.person]?.[place.part]?.[place.joint];
    const arrow = ARROWS[event.key];
    if (joint && arrow) {
      const step = event.shiftKey ? LARGE_STEP : STEP;
      const to = /** @type {[number, number]} */ ([this.within(joint[0] + arrow[0] * step, "width"), this.within(joint[1] + arrow[1] * step, "height")]);
      this.change(moveJoint(this.pose, place, to));
    } else if (event.key === "Delete" || event.key === "Backspace") this.change(hideJoint(this.pose, place));
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {KeyboardEvent} event */
  hear(event) {
    if (!(event.ctrlKey || event.metaKey) || !["z", "y"].includes(event.key.toLowerCase())) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.key.toLowerCase() === "y" || event.shiftKey) this.history.redo();
    else this.history.undo();
    this.draw();
  }

  drawTools() {
    const { person, pose } = this;
    const none = !pose.people.length;
    const act = (/** @type {string} */ words, /** @type {(before: Pose) => Pose} */ how, disabled = none) =>
      button(words, () => this.change(how(this.pose)), { disabled });
    const hand = (/** @type {"left" | "right"} */ side) => {
      const element = act(`${side === "left" ? "Left" : "Right"} hand`, (before) => toggleHand(before, person, side));
      element.setAttribute("aria-pressed", String(Boolean(pose.people[person]?.[side])));
      return element;
    };
    const step = (/** @type {string} */ words, /** @type {"undo" | "redo"} */ how, /** @type {boolean} */ disabled) =>
      button(words, () => {
        this.history[how]();
        this.draw();
      }, { disabled });
    const add = button("Add person", () => {
      this.person = this.pose.people.length;
      this.change(addPerson(this.pose));
    });
    const parts = [add];
    if (pose.people.length > 1) {
      const people = pose.people.map((_, index) => ({ value: String(index), words: `Person ${index + 1}` }));
      parts.push(/** @type {any} */ (choice("Chosen", people, String(person), (value) => this.choose(Number(value)))));
    }
    const hidden = (pose.people[person]?.body ?? []).flatMap((joint, index) => (joint ? [] : [{ value: String(index), words: JOINTS[index] }]));
    if (hidden.length) {
      const entries = [{ value: "", words: "choose …" }, ...hidden];
      parts.push(/** @type {any} */ (choice("Show joint", entries, "", (value) => value && this.change(showJoint(this.pose, person, Number(value))))));
    }
    this.tools.replaceChildren(
      ...parts,
      act("Remove person", (before) => removePerson(before, person)),
      hand("left"),
      hand("right"),
      act("Larger", (before) => scalePerson(before, person, LARGER)),
      act("Smaller", (before) => scalePerson(before, person, SMALLER)),
      act("Mirror", (before) => mirrorPerson(before, person)),
      button("Find people", () => void this.detect(), { disabled: !this.reference, title: "Find the people in the picture behind" }),
      step("Undo", "undo", !this.history.before.length),
      step("Redo", "redo", !this.history.after.length),
    );
    this.write.disabled = none;
    this.write.title = none ? "Add a person first" : "";
  }

  /**
   * A pose from OpenPose's JSON, or a picture to draw over.
   * @param {File | undefined} file
   */
  async load(file) {
    if (!file) return;
    this.message.textContent = "";
    try {
      if (file.type.startsWith("image/")) {
        const { reference } = await keepPicture(file);
        this.showBackground(reference);
        this.drawTools();
      } else this.change(fromJson(parse(await file.text()), this.pose));
    } catch (error) {
      this.message.textContent = messageOf(error);
    } finally {
      this.file.value = "";
    }
  }

  /** Puts the people in the background picture in place of those that are drawn. */
  async detect() {
    this.message.textContent = "Looking for people …";
    try {
      const found = fromJson(await ask("POST", "controlnet/poses", { image: this.reference }), this.pose);
      this.message.textContent = found.people.length ? "" : "Nobody was found in the picture.";
      if (found.people.length) this.change(found);
    } catch (error) {
      this.message.textContent = messageOf(error);
    }
  }

  save() {
    const file = new Blob([JSON.stringify(toJson(this.pose))], { type: "application/json" });
    const link = make("a", { href: URL.createObjectURL(file), download: "pose.json" });
    link.click();
    URL.revokeObjectURL(link.href);
  }

  async finish() {
    const canvas = make("canvas");
    draw(this.pose, canvas);
    this.write.disabled = true;
    try {
      const { reference } = await keepPicture(await toPng(canvas));
      written.set(reference, this.pose);
      this.dialog.close();
      this.done(reference);
    } catch (error) {
      this.message.textContent = messageOf(error);
      this.write.disabled = false;
    }
  }
}

/**
 * JSON, or an Error with a sentence.
 * @param {string} text
 */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error("This file is no JSON. Choose one that OpenPose wrote, or a picture.", { cause: error });
  }
}

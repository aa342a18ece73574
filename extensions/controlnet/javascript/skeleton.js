// Skeletons as OpenPose has them: joints, limbs, colours, its JSON, and how they are drawn. Needs no page.

export const JOINTS = [
  "nose", "neck", "right shoulder", "right elbow", "right wrist", "left shoulder", "left elbow", "left wrist",
  "right hip", "right knee", "right ankle", "left hip", "left knee", "left ankle", "right eye", "left eye",
  "right ear", "left ear",
];
/** @type {[number, number][]} */
export const LIMBS = [
  [1, 2], [1, 5], [2, 3], [3, 4], [5, 6], [6, 7], [1, 8], [8, 9], [9, 10], [1, 11], [11, 12], [12, 13],
  [1, 0], [0, 14], [14, 16], [0, 15], [15, 17],
];
/** @type {[number, number, number][]} */
const COLOURS = [
  [255, 0, 0], [255, 85, 0], [255, 170, 0], [255, 255, 0], [170, 255, 0], [85, 255, 0], [0, 255, 0],
  [0, 255, 85], [0, 255, 170], [0, 255, 255], [0, 170, 255], [0, 85, 255], [0, 0, 255], [85, 0, 255],
  [170, 0, 255], [255, 0, 255], [255, 0, 170], [255, 0, 85],
];
// A finger is four bones that begin at the wrist.
/** @type {[number, number][]} */
export const BONES = [0, 1, 2, 3, 4].flatMap((finger) =>
  [0, 1, 2, 3].map((bone) => /** @type {[number, number]} */ ([bone ? finger * 4 + bone : 0, finger * 4 + bone + 1])),
);
const FINGERS = ["thumb", "index finger", "middle finger", "ring finger", "little finger"];
// Bones are drawn darker than joints.
const BONE_BRIGHTNESS = 0.6;
// Widths in pixels at a canvas whose shorter side is this.
const USUAL_SIDE = 512;
const [LIMB_WIDTH, JOINT_RADIUS, FINGER_WIDTH, FACE_RADIUS] = [8, 4, 2, 3];
const [HAND_JOINTS, FACE_JOINTS] = [21, 70];
const NOSE = 0;
// Which of OpenPose's 25 joints are the 18 of COCO.
const OF_25 = [0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18];
const WRISTS = { left: 7, right: 4 };
const ELBOWS = { left: 6, right: 3 };

// A standing person in a square of 1, and an open hand along the x axis, its wrist at 0.
/** @type {[number, number][]} */
const STANDING = [
  [0.5, 0.13], [0.5, 0.25], [0.4, 0.25], [0.35, 0.4], [0.33, 0.53], [0.6, 0.25], [0.65, 0.4], [0.67, 0.53],
  [0.44, 0.52], [0.43, 0.72], [0.43, 0.92], [0.56, 0.52], [0.57, 0.72], [0.57, 0.92], [0.48, 0.11], [0.52, 0.11],
  [0.45, 0.125], [0.55, 0.125],
];
/** @type {[number, number][]} */
const HAND = [
  [0, 0], [0.2, -0.25], [0.4, -0.4], [0.55, -0.5], [0.68, -0.58], [0.5, -0.2], [0.7, -0.25], [0.85, -0.28], [0.98, -0.3],
  [0.52, -0.05], [0.75, -0.06], [0.92, -0.07], [1.06, -0.08], [0.5, 0.1], [0.7, 0.12], [0.86, 0.13], [0.98, 0.14],
  [0.45, 0.22], [0.6, 0.28], [0.72, 0.32], [0.82, 0.35],
];
// A hand's length in lengths of the forearm.
const HAND_LENGTH = 0.6;

/**
 * A pose without people.
 * @param {number} width
 * @param {number} height
 * @returns {Pose}
 */
export function emptyPose(width, height) {
  return { width, height, people: [] };
}

/**
 * Another person beside those that are there.
 * @param {Pose} pose
 * @returns {Pose}
 */
export function addPerson(pose) {
  const side = Math.min(pose.width, pose.height);
  const across = (pose.width - side) / 2 + (([0, 1, -1, 2, -2][pose.people.length % 5] ?? 0) * side) / 4;
  const body = STANDING.map(([x, y]) => /** @type {Joint} */ ([across + x * side, (pose.height - side) / 2 + y * side]));
  return { ...pose, people: [...pose.people, { body, left: null, right: null, face: null }] };
}

/**
 * Without one person.
 * @param {Pose} pose
 * @param {number} person
 * @returns {Pose}
 */
export function removePerson(pose, person) {
  return { ...pose, people: pose.people.filter((_, index) => index !== person) };
}

/**
 * With one person changed.
 * @param {Pose} pose
 * @param {number} index
 * @param {(person: Person) => Person} change
 * @returns {Pose}
 */
function changePerson(pose, index, change) {
  return { ...pose, people: pose.people.map((person, each) => (each === index ? change(person) : person)) };
}

/**
 * With every joint of a person moved.
 * @param {Person} person
 * @param {(joint: [number, number]) => [number, number]} move
 * @returns {Person}
 */
function mapJoints(person, move) {
  const all = (/** @type {Joint[]} */ joints) => joints.map((joint) => joint && move(joint));
  const { body, left, right, face } = person;
  return { body: all(body), left: left && all(left), right: right && all(right), face: face && all(face) };
}

/**
 * A joint moved to a place; a wrist, the arm's or the hand's upon it, takes both with it, and the nose the face.
 * @param {Pose} pose
 * @param {JointPlace} place
 * @param {[number, number]} to
 * @returns {Pose}
 */
export function moveJoint(pose, { person, part, joint }, to) {
  const root = part !== "body" && joint === 0 && pose.people[person][part]?.[0];
  const arm = root && pose.people[person].body[WRISTS[part]];
  if (arm) return moveJoint(pose, { person, part: "body", joint: WRISTS[part] }, [arm[0] + to[0] - root[0], arm[1] + to[1] - root[1]]);
  return changePerson(pose, person, (before) => {
    const from = before[part]?.[joint];
    const after = { ...before, [part]: before[part]?.map((each, index) => (index === joint ? to : each)) ?? null };
    if (part !== "body" || !from) return after;
    const taken = /** @type {Record<number, "left" | "right" | "face">} */ ({ [WRISTS.left]: "left", [WRISTS.right]: "right", [NOSE]: "face" })[joint];
    const joints = taken && before[taken];
    if (!joints) return after;
    return { ...after, [taken]: joints.map((each) => each && [each[0] + to[0] - from[0], each[1] + to[1] - from[1]]) };
  });
}

/**
 * A joint that is not seen any more.
 * @param {Pose} pose
 * @param {JointPlace} place
 * @returns {Pose}
 */
export function hideJoint(pose, { person, part, joint }) {
  return changePerson(pose, person, (before) => ({
    ...before,
    [part]: before[part]?.map((each, index) => (index === joint ? null : each)) ?? null,
  }));
}

/**
 * A joint of the body seen again, where a standing person of this size would have it.
 * @param {Pose} pose
 * @param {number} person
 * @param {number} joint
 * @returns {Pose}
 */
export function showJoint(pose, person, joint) {
  const seen = pose.people[person].body.flatMap((each, index) => (each ? [{ index, each }] : []));
  const { scale, x, y } = seen.length > 1 ? fitStanding(seen) : { scale: Math.min(pose.width, pose.height), x: 0, y: 0 };
  const at = /** @type {[number, number]} */ ([x + STANDING[joint][0] * scale, y + STANDING[joint][1] * scale]);
  const within = /** @type {[number, number]} */ ([clamp(at[0], pose.width), clamp(at[1], pose.height)]);
  return moveJoint(pose, { person, part: "body", joint }, within);
}

/**
 * How a standing person would have to be scaled and moved to lie over seen joints.
 * @param {{index: number, each: [number, number]}[]} seen
 */
function fitStanding(seen) {
  const middle = (/** @type {[number, number][]} */ points, /** @type {0 | 1} */ axis) =>
    points.reduce((sum, point) => sum + point[axis], 0) / points.length;
  const spread = (/** @type {[number, number][]} */ points) =>
    Math.sqrt(points.reduce((sum, point) => sum + (point[0] - middle(points, 0)) ** 2 + (point[1] - middle(points, 1)) ** 2, 0));
  const [there, standing] = [seen.map(({ each }) => each), seen.map(({ index }) => STANDING[index])];
  const scale = spread(there) / (spread(standing) || 1);
  return { scale, x: middle(there, 0) - middle(standing, 0) * scale, y: middle(there, 1) - middle(standing, 1) * scale };
}

/**
 * @param {number} value
 * @param {number} most
 */
function clamp(value, most) {
  return Math.min(Math.max(value, 0), most);
}

/**
 * A whole person moved.
 * @param {Pose} pose
 * @param {number} person
 * @param {number} x
 * @param {number} y
 * @returns {Pose}
 */
export function movePerson(pose, person, x, y) {
  return changePerson(pose, person, (before) => mapJoints(before, (joint) => [joint[0] + x, joint[1] + y]));
}

/**
 * A person made larger or smaller about its middle.
 * @param {Pose} pose
 * @param {number} person
 * @param {number} factor
 * @returns {Pose}
 */
export function scalePerson(pose, person, factor) {
  const { left, right, top, bottom } = boundsOf(pose.people[person]);
  const [x, y] = [(left + right) / 2, (top + bottom) / 2];
  return changePerson(pose, person, (before) =>
    mapJoints(before, (joint) => [x + (joint[0] - x) * factor, y + (joint[1] - y) * factor]),
  );
}

/**
 * A person seen in a mirror: left and right change, as in a picture turned over.
 * @param {Pose} pose
 * @param {number} person
 * @returns {Pose}
 */
export function mirrorPerson(pose, person) {
  const { left, right } = boundsOf(pose.people[person]);
  return changePerson(pose, person, (before) => {
    const turned = mapJoints(before, ([x, y]) => [left + right - x, y]);
    const body = JOINTS.map((name) => turned.body[JOINTS.indexOf(otherSide(name))]);
    return { body, left: turned.right, right: turned.left, face: turned.face };
  });
}

/** @param {string} name */
function otherSide(name) {
  if (name.startsWith("left ")) return name.replace("left ", "right ");
  return name.startsWith("right ") ? name.replace("right ", "left ") : name;
}

/**
 * A person with or without a hand; a new one lies at the wrist, along the forearm.
 * @param {Pose} pose
 * @param {number} person
 * @param {"left" | "right"} side
 * @returns {Pose}
 */
export function toggleHand(pose, person, side) {
  return changePerson(pose, person, (before) => ({ ...before, [side]: before[side] ? null : makeHand(before, side) }));
}

/**
 * @param {Person} person
 * @param {"left" | "right"} side
 * @returns {Joint[]}
 */
function makeHand({ body }, side) {
  const { left, top } = boundsOf({ body, left: null, right: null, face: null });
  const wrist = body[WRISTS[side]] ?? body[ELBOWS[side]] ?? [left, top];
  const elbow = body[ELBOWS[side]] ?? [wrist[0], wrist[1] - 1];
  const forearm = Math.hypot(wrist[0] - elbow[0], wrist[1] - elbow[1]);
  const angle = Math.atan2(wrist[1] - elbow[1], wrist[0] - elbow[0]);
  const length = Math.max(forearm, 40) * HAND_LENGTH;
  // Thumbs of hanging arms point to the body.
  const turn = side === "left" ? -1 : 1;
  return HAND.map(([along, across]) => [
    wrist[0] + length * (along * Math.cos(angle) - across * turn * Math.sin(angle)),
    wrist[1] + length * (along * Math.sin(angle) + across * turn * Math.cos(angle)),
  ]);
}

/**
 * The box around a person's joints.
 * @param {Person} person
 */
export function boundsOf({ body, left, right, face }) {
  const seen = [...body, ...(left ?? []), ...(right ?? []), ...(face ?? [])].filter((joint) => joint !== null);
  const [xs, ys] = [seen.map((joint) => joint[0]), seen.map((joint) => joint[1])];
  if (!seen.length) return { left: 0, right: 0, top: 0, bottom: 0 };
  return { left: Math.min(...xs), right: Math.max(...xs), top: Math.min(...ys), bottom: Math.max(...ys) };
}

/**
 * What a joint is called.
 * @param {JointPlace} place
 */
export function nameOf({ person, part, joint }) {
  const who = `Person ${person + 1}`;
  if (part === "body") return `${who}, ${JOINTS[joint]}`;
  return `${who}, ${part} hand, ${joint ? `${FINGERS[Math.floor((joint - 1) / 4)]} ${((joint - 1) % 4) + 1}` : "wrist"}`;
}

/**
 * The colour of a bone of the hand: the rainbow, one step for each bone.
 * @param {number} bone
 */
export function boneColour(bone) {
  return `hsl(${(bone / BONES.length) * 360} 100% 50%)`;
}

/**
 * A joint's colour, or a limb's, which is darker.
 * @param {number} index
 * @param {number} [brightness]
 */
export function colourOf(index, brightness = 1) {
  return `rgb(${COLOURS[index].map((value) => Math.round(value * brightness)).join(" ")})`;
}

/** @param {number} limb */
export function limbColour(limb) {
  return colourOf(limb, BONE_BRIGHTNESS);
}

/**
 * Draws a pose upon black, as the networks were trained with it.
 * @param {Pose} pose
 * @param {HTMLCanvasElement} canvas
 */
export function draw(pose, canvas) {
  canvas.width = pose.width;
  canvas.height = pose.height;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.fillStyle = "black";
  context.fillRect(0, 0, pose.width, pose.height);
  const scale = Math.max(Math.min(pose.width, pose.height) / USUAL_SIDE, 0.5);
  for (const { body } of pose.people) {
    LIMBS.forEach(([from, to], limb) => drawLimb(context, body[from], body[to], limbColour(limb), LIMB_WIDTH * scale));
    body.forEach((joint, index) => drawDot(context, joint, colourOf(index), JOINT_RADIUS * scale));
  }
  for (const hand of pose.people.flatMap(({ left, right }) => [left, right])) {
    if (!hand) continue;
    BONES.forEach(([from, to], bone) => drawLine(context, hand[from], hand[to], boneColour(bone), FINGER_WIDTH * scale));
    for (const joint of hand) drawDot(context, joint, "rgb(0 0 255)", (JOINT_RADIUS - 1) * scale);
  }
  for (const { face } of pose.people) for (const joint of face ?? []) drawDot(context, joint, "white", FACE_RADIUS * scale);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Joint} from
 * @param {Joint} to
 * @param {string} colour
 * @param {number} width
 */
function drawLimb(context, from, to, colour, width) {
  if (!from || !to) return;
  const [x, y] = [to[0] - from[0], to[1] - from[1]];
  context.fillStyle = colour;
  context.beginPath();
  context.ellipse((from[0] + to[0]) / 2, (from[1] + to[1]) / 2, Math.hypot(x, y) / 2, width / 2, Math.atan2(y, x), 0, 2 * Math.PI);
  context.fill();
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Joint} from
 * @param {Joint} to
 * @param {string} colour
 * @param {number} width
 */
function drawLine(context, from, to, colour, width) {
  if (!from || !to) return;
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.beginPath();
  context.moveTo(...from);
  context.lineTo(...to);
  context.stroke();
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Joint} joint
 * @param {string} colour
 * @param {number} radius
 */
function drawDot(context, joint, colour, radius) {
  if (!joint) return;
  context.fillStyle = colour;
  context.beginPath();
  context.arc(joint[0], joint[1], radius, 0, 2 * Math.PI);
  context.fill();
}

/**
 * A pose as OpenPose writes it: x, y and how sure it is, for each joint.
 * @param {Pose} pose
 */
export function toJson({ width, height, people }) {
  const flat = (/** @type {Joint[] | null} */ joints) =>
    (joints ?? []).flatMap((joint) => (joint ? [round(joint[0]), round(joint[1]), 1] : [0, 0, 0]));
  return {
    people: people.map(({ body, left, right, face }) => ({
      pose_keypoints_2d: flat(body),
      face_keypoints_2d: flat(face),
      hand_left_keypoints_2d: flat(left),
      hand_right_keypoints_2d: flat(right),
    })),
    canvas_width: width,
    canvas_height: height,
  };
}

/** @param {number} value */
function round(value) {
  return Math.round(value * 100) / 100;
}

/**
 * A pose from OpenPose's JSON (of 18 or 25 joints, in pixels or shares), or a list of such, of which the first
 * counts. Throws an Error with a sentence.
 * @param {any} json
 * @param {{width: number, height: number}} size - where the file does not say
 * @returns {Pose}
 */
export function fromJson(json, size) {
  const file = Array.isArray(json) ? json[0] : json;
  if (!Array.isArray(file?.people)) throw new Error("This is no OpenPose file: it has no list of people.");
  const width = positive(file.canvas_width) ?? size.width;
  const height = positive(file.canvas_height) ?? size.height;
  const people = file.people.map((/** @type {any} */ person) => readPerson(person, width, height));
  return { width, height, people: people.filter((/** @type {Person} */ { body, face }) => body.some(Boolean) || face) };
}

/** @param {unknown} value */
function positive(value) {
  return typeof value === "number" && value > 0 && value <= 16384 ? Math.round(value) : null;
}

/**
 * @param {any} person
 * @param {number} width
 * @param {number} height
 * @returns {Person}
 */
function readPerson(person, width, height) {
  const lists = [person?.pose_keypoints_2d, person?.hand_left_keypoints_2d, person?.hand_right_keypoints_2d, person?.face_keypoints_2d];
  const numbers = lists.map((list) => (Array.isArray(list) ? list.map(Number) : []));
  if (numbers.flat().some((value) => !Number.isFinite(value))) throw new Error("The OpenPose file has joints that are no numbers.");
  // Some programs write shares of the canvas in place of pixels.
  const places = numbers.flatMap((list) => list.filter((_, index) => index % 3 !== 2));
  const areShares = places.every((value) => value <= 1.5) && places.some((value) => value > 0);
  const [x, y] = areShares ? [width, height] : [1, 1];
  const [body, left, right, face] = numbers.map((list) => joints(list, x, y));
  const chosen = body.length >= 25 ? OF_25.map((index) => body[index]) : body.slice(0, JOINTS.length);
  const part = (/** @type {Joint[]} */ list, /** @type {number} */ length) => (list.some(Boolean) ? fill(list, length) : null);
  return {
    body: fill(chosen, JOINTS.length), left: part(left, HAND_JOINTS), right: part(right, HAND_JOINTS), face: part(face, FACE_JOINTS),
  };
}

/**
 * @param {Joint[]} list
 * @param {number} length
 */
function fill(list, length) {
  return Array.from({ length }, (_, index) => list[index] ?? null);
}

/**
 * @param {number[]} numbers
 * @param {number} x
 * @param {number} y
 * @returns {Joint[]}
 */
function joints(numbers, x, y) {
  return Array.from({ length: Math.floor(numbers.length / 3) }, (_, index) => {
    const [across, down, sure] = numbers.slice(index * 3, index * 3 + 3);
    return sure > 0 ? [across * x, down * y] : null;
  });
}

/** What was done to a pose, to be undone and done again. */
export class PoseHistory {
  /** @param {Pose} pose */
  constructor(pose) {
    this.pose = pose;
    /** @type {Pose[]} */
    this.before = [];
    /** @type {Pose[]} */
    this.after = [];
  }

  /**
   * A change that can be undone; one without difference is none.
   * @param {Pose} pose
   * @param {Pose} [from] - the pose before, where the change was seen as it went on
   */
  change(pose, from = this.pose) {
    if (JSON.stringify(pose) !== JSON.stringify(from)) {
      this.before.push(from);
      this.after = [];
    }
    this.pose = pose;
  }

  undo() {
    const pose = this.before.pop();
    if (!pose) return;
    this.after.push(this.pose);
    this.pose = pose;
  }

  redo() {
    const pose = this.after.pop();
    if (!pose) return;
    this.before.push(this.pose);
    this.pose = pose;
  }
}

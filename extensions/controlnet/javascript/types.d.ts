// What the editor's scripts share, for the checks alone: browsers never load this.

interface ControlUnit {
  enabled: boolean;
  module: string;
  model: string;
  /** References of pictures that the server keeps. */
  image: string | null;
  /** In place of `image`: one for each result. */
  batch_images: string[];
  mask: string | null;
  effective_region_mask: string | null;
  weight: number;
  guidance_start: number;
  guidance_end: number;
  control_mode: string;
  resize_mode: string;
  pixel_perfect: boolean;
  /** -1: the preprocessor's own. */
  processor_res: number;
  threshold_a: number;
  threshold_b: number;
  hr_option: string;
  /** Of union networks. */
  control_type: string;
}

interface OfferedSlider {
  name: string;
  min: number;
  max: number;
  value: number;
  step: number;
}

interface MissingWeight {
  file: string;
  /** Bytes. */
  size: number;
  licence: string;
  link: string;
  page: string;
  sentence: string;
}

interface OfferedModule {
  name: string;
  about: string;
  types: string[];
  model_free: boolean;
  /** Of resolution, threshold A and threshold B. */
  sliders: (OfferedSlider | null)[];
  missing: MissingWeight[];
}

interface OfferedModel {
  title: string;
  kind: string;
  family: string;
  types: string[];
  /** Why it cannot be used now, or null. */
  reason: string | null;
}

interface Offers {
  modules: OfferedModule[];
  models: OfferedModel[];
  types: Record<string, { module_list: string[]; model_list: string[]; default_option: string; default_model: string }>;
  family: string | null;
}

interface KeptPicture {
  reference: string;
  width: number;
  height: number;
}

/** A joint, or null where it is not seen; in pixels of the canvas. */
type Joint = [x: number, y: number] | null;

interface Person {
  /** 18 joints in COCO's order. */
  body: Joint[];
  /** 21 joints each, or null. */
  left: Joint[] | null;
  right: Joint[] | null;
  /** 70 joints, or null. */
  face: Joint[] | null;
}

interface Pose {
  width: number;
  height: number;
  people: Person[];
}

/** One joint of a pose. */
interface JointPlace {
  person: number;
  part: "body" | "left" | "right";
  joint: number;
}

interface ControlNetValue {
  units?: Partial<ControlUnit>[];
}

/** What of the page the editor uses; see the page's parts/README.md. */
interface ControlNetContext {
  tab?: string;
  /** The picture on the canvas of img2img, null without one. */
  canvas?(): Promise<string | null>;
}

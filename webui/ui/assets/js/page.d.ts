// What scripts of the page tell each other and get from the server, for the checks alone: browsers never load this.

// --- elements --------------------------------------------------------------------------------------------------------

/** What a selector finds, by how it ends. */
type Found<Selector extends string> = Selector extends `${string}textarea`
  ? HTMLTextAreaElement
  : Selector extends `${string} input` | `${string} input[${string}` | `${string} input:${string}`
    ? HTMLInputElement
    : Selector extends `${string} img`
      ? HTMLImageElement
      : HTMLElement;

/** Properties of an element; those that are texts take what the browser makes one of. */
type Properties<Element> = {
  [Name in keyof Element]?: string extends Element[Name] ? Element[Name] | number | URL : Element[Name];
};
type Made<Tag extends keyof HTMLElementTagNameMap> = Omit<Properties<HTMLElementTagNameMap[Tag]>, "attributes"> & {
  attributes?: Record<string, string | undefined>;
};

// --- the server's answers --------------------------------------------------------------------------------------------

type Tab = string;
type ModelKind = string;

/** A newer version of a card's file on Civitai. */
interface CardUpdate {
  version: string;
  base_model: string;
  published: string | null;
  link: string;
}

/** One model file, as lists have it. */
interface Card {
  id: string;
  kind: ModelKind;
  name: string;
  stem: string;
  title: string;
  family: string;
  /** Bytes. */
  size: number;
  /** Seconds since 1970. */
  modified: number;
  sha256: string | null;
  /** Why it cannot be used, or null. */
  reason: string | null;
  favourite: boolean;
  description: string;
  thumbnail: string | null;
  insert: string;
  insert_negative: string;
  update: CardUpdate | null;
}

/** The same with all that is known of the file. */
interface CardDetails extends Card {
  activation_text: string;
  negative_text: string;
  notes: string;
  preferred_weight: number;
  vae: string;
  sort: string;
  short_hash: string | null;
  has_own_preview: boolean;
  civitai: { model_id: number; url: string } | null;
  sidecars?: string[];
  trained_words?: string[];
  tags?: [word: string, count: number][];
  metadata?: Record<string, string>;
}

/** Whether a file may be used with the selected checkpoint, and why not. */
interface CardFit {
  fits: boolean;
  sentence: string;
}

interface CardFolder {
  path: string;
  count: number;
}

/** A part of the cards that match; see CardPage in webui/library/cards/card.py. */
interface CardPage {
  total: number;
  hidden: number;
  unread: number;
  newer: number;
  cards: Card[];
  folders: CardFolder[];
  version: string;
}

/** A file in the trash. */
interface Trashed {
  id: string;
  name: string;
  label: string;
  /** Bytes. */
  size: number;
  /** Seconds since 1970. */
  deleted: number;
}

/** A model that an infotext names. */
interface NamedModel {
  kind: ModelKind | null;
  name: string;
  state: string;
  link: string | null;
}

/** What became of a file that came. */
interface Arrival {
  outcome: string;
  name: string;
  sentence: string;
  kind: ModelKind;
  title: string;
  card: Card | null;
  infotext: string | null;
  missing: NamedModel[];
  /** Names of the styles, or of the preset, that came. */
  added: string[];
}

interface Download {
  id: string;
  link: string;
  name: string;
  state: "waiting" | "asking" | "running" | "filing" | "done" | "paused" | "failed";
  /** Bytes, as what was received. */
  size: number | null;
  received: number;
  bytes_per_s: number;
  message: string | null;
  cause: string | null;
  arrivals: Arrival[];
}

/** Of form fields, those that a checkpoint's defaults may set; a clip skip of 0 is that of the settings. */
interface DefaultValues {
  width?: number | null;
  height?: number | null;
  steps?: number | null;
  cfg_scale?: number | null;
  sampler?: string | null;
  schedule?: string | null;
  clip_skip?: number | null;
  vae?: string | null;
}

/** What the form begins with for a checkpoint; see DefaultsAnswer in webui/api/defaults.py. */
interface CheckpointDefaults {
  card: string;
  title: string;
  stem: string;
  values: DefaultValues;
  sources: Record<string, "card" | "file" | "family">;
  examples: string[];
}

/** A checkpoint to begin with. */
interface FirstModel {
  name: string;
  family: string;
  /** Bytes. */
  size: number;
  licence: string;
  about: string;
  link: string;
  page: string;
}

interface Upload {
  id: string;
  name: string;
  /** Bytes, as all here. */
  size: number;
  offset: number;
  chunk_bytes: number;
}

/** A model that a search on Civitai found. */
interface FoundModel {
  name: string;
  version: string;
  type: string;
  base_model: string;
  creator: string | null;
  preview: string | null;
  downloads: number | null;
  link: string;
  early_access_until: string | null;
  here: Card | null;
  same: boolean;
}

/** A whole set-up in a list. */
interface PresetSummary {
  name: string;
  tab: Tab;
  checkpoint: string | null;
  prompt: string;
  /** Seconds since 1970. */
  modified: number;
}

/** What a preset's file holds; see Preset in webui/core/preset.py. */
interface PresetFile {
  fields: Record<string, unknown>;
  [key: string]: unknown;
}

/** A preset as it can be applied here: settings to choose by option key, and what these are now. */
interface PresetReading {
  name: string;
  preset: PresetFile;
  fields: Record<string, unknown>;
  choose: Record<string, string>;
  before: Record<string, string>;
  problems: string[];
}

/** A style of a file; `version` changes with its texts, and is empty where it is in no file yet. */
interface StyleEntry {
  name: string;
  prompt: string;
  negative_prompt: string;
  file: string;
  version: string;
}

interface StylesFileEntry {
  label: string;
  messages: string[];
}

/** All styles in the order of their files. */
interface StylesAnswer {
  version: string;
  files: StylesFileEntry[];
  styles: StyleEntry[];
}

interface Prompts {
  prompt: string;
  negative_prompt: string;
}

/** Whether there is a key, by site. */
type Keys = Record<string, boolean>;

/** Where a question about a list of cards is. */
interface InquiryProgress {
  phase: "hashing" | "asking" | "filling" | "done";
  /** 0 to 1. */
  share: number;
  name: string;
  described: Card | null;
  update: unknown;
  sentence: string;
}

/** What went wrong, with the server's answer if there was one. */
interface Refusal extends Error {
  status?: number;
  body?: { offset?: number } | null;
}

// --- canvases --------------------------------------------------------------------------------------------------------

/** In pixels of the picture, as all sizes here. */
interface Point {
  x: number;
  y: number;
}
interface Area extends Point {
  width: number;
  height: number;
}
type Surface = HTMLCanvasElement;

/** The picture below the paint. */
interface Base {
  bitmap: ImageBitmap;
  blob: Blob;
  width: number;
  height: number;
  reference: string;
}

interface Layer {
  surface: Surface;
  name: string;
  /** 0 to 1. */
  opacity: number;
  visible: boolean;
  /** Grows with every change of the paint. */
  revision?: number;
  /** The paint as it is kept, null without any, and the revision that it was packed at. */
  png?: Blob | null;
  packedAt?: number;
}

interface CanvasContent {
  base: Base | null;
  /** From bottom to top. */
  layers: Layer[];
  /** The index of the layer that is painted on. */
  active: number;
}

/** `share` is the slider's, 1 to 100. */
interface BrushChoice {
  share: number;
  opacity: number;
  colour: string;
}

/** What a stroke paints with; `size` is a diameter. */
interface Brush {
  size: number;
  opacity: number;
  colour: string;
  erases: boolean;
}

/** What can be undone; `bytes` is what it holds in memory. */
interface Step {
  undo(): unknown;
  redo(): unknown;
  layer?: Layer;
  bytes?: number;
  pack?(): Promise<void>;
}

type Side = "left" | "right" | "up" | "down";

/** Pixels on each side of a picture. */
type Room = Record<Side, number>;

/** A side of the frame that was dragged; `after` grows while a key repeats. */
interface RoomStep extends Step {
  side: Side;
  after: number;
}

/** What the server needs of a canvas: references of pictures, and their sizes. */
interface References {
  width?: number;
  height?: number;
  original?: string;
  image?: string;
  mask?: string;
  mask_width?: number;
  mask_height?: number;
}

/** What a canvas tells, by the name of the event. */
interface BoardEvents {
  change: undefined;
  brush: undefined;
  kept: undefined;
  say: string | undefined;
  taken: undefined;
  busy: boolean;
  pick: Point;
  shape: undefined;
  room: { side: Side; value: number };
}

// --- the one global object, and what is told to the whole page ---------------------------------------------------------

interface Webui {
  /** By the key of a form, the names of its fields and the ids of their elements. */
  forms: Record<string, [name: string, id: string | null][]>;
  noteChange(key: string, name: string, value: unknown): never[];
  remember(key: string, values: unknown[]): never[];
  formRead(tab: Tab, values: unknown[]): never[];
  nextFill(tab: Tab): string;
  formFilled(tab: Tab): never[];
  showFill(tab: Tab): never[];
  textToRead(tab: Tab): string;
  showTab(name: string): never[];
  reweigh: typeof import("./attention.js").reweigh;
  /** What Gradio draws of the Settings tab when it is asked to: an update for each section. */
  sectionsToDraw(): { __type__: string; visible?: boolean }[];
  /** Draws all sections of the Settings tab now. */
  drawSections(): void;
  canvasFiles(name: string): Promise<{ picture: Blob; original: Blob; mask: Blob | null } | null>;
  canvasPictures(mode: string): Promise<string>;
  canvasPixels(mode: string | undefined): [number, number] | null;
  canvasSize(mode: string): number[] | null;
  sendToCanvas(path: string, mode: string): Promise<void>;
  canvasBoards: Map<string, import("./canvas/board.js").Board>;
  chooseModel(option: string, title: string): Promise<void>;
  nextChoice(): string;
  choiceShown(): never[];
  modelShown(option: string, title: string): never[];
  fillDefaults(tab: Tab, names: string[], values: unknown[]): unknown[];
  showCards(tab: Tab, kind: ModelKind, query?: string, options?: { all?: boolean }): void;
  prepareCards(tab: Tab): void;
  addCardPage(tab: Tab, name: string, label: string, page: { element: HTMLElement; open?: () => void }): void;
  cardsChanged(): void;
  cardChanged(card: Card): void;
  addModels(): void;
  fetchLink(link: string): void;
  followDownloads(downloads: Download[]): void;
  inquire(what: "describe" | "updates", question: object, label: string, showNewer: () => void): void;
  openKeys(): void;
  takeFiles(files: File[], text?: string): void;
  applyStyles(field: string, chosen: string[]): Promise<[chosen: string[], notice: string]>;
  stylesToChoose(field: string, chosen: string[]): string[];
  searchModels(kind: ModelKind, query: string): void;
}

/** What Gradio was told of a component when the page was made; more than what is named here. */
interface GradioProps {
  elem_id?: string | null;
  value?: unknown;
  precision?: number | null;
  choices?: any;
}

// --- parts of extensions; see parts/README.md -------------------------------------------------------------------------

/** A request part, as /v1/parts tells it. */
interface PartInfo {
  key: string;
  title: string;
  about: string;
  tabs: Tab[];
  is_script: boolean;
  extension: string;
  schema: Record<string, any>;
  defaults: Record<string, any>;
}

interface ScriptInfo {
  title: string;
  /** Of its part. */
  key: string;
}

interface PartsAnswer {
  parts: PartInfo[];
  scripts: ScriptInfo[];
  scripts_of_extensions: string[];
  styles: string[];
}

/** What `mount` gives back. */
interface MountedPart {
  update?(value: Record<string, any>): void;
  destroy?(): void;
}

interface PartContext {
  key: string;
  tab: Tab;
  title: string;
  schema: Record<string, any>;
  defaults: Record<string, any>;
  read(): Record<string, any>;
  draw(
    element: HTMLElement,
    schema: Record<string, any>,
    value: Record<string, any>,
    onChange: (value: Record<string, any>) => void,
  ): { update(value: Record<string, any>): void };
  picture(
    label: string,
    reference: string | null,
    onChange: (reference: string | null) => void,
  ): { element: HTMLElement; update(reference: string | null): void };
  upload(blob: Blob): Promise<{ reference: string; width: number; height: number }>;
  address(path: string): string;
  ask(method: string, path: string, body?: unknown): Promise<any>;
  canvas(): Promise<string | null>;
  form(): Promise<Record<string, unknown>>;
}

/** How an extension draws its part. */
interface PartDrawer {
  mount(
    element: HTMLElement,
    value: Record<string, any>,
    onChange: (value: Record<string, any>) => void,
    context: PartContext,
  ): MountedPart | void;
  summary?(value: Record<string, any>): string;
}

/** What extensions' files may use of the page. */
interface Atelier {
  registerPart(key: string, drawer: PartDrawer): void;
  readPart(tab: Tab, key: string): Record<string, any>;
  setPart(tab: Tab, key: string, value: Record<string, any>): void;
  openPart(tab: Tab, key: string): void;
  chooseScript(tab: Tab, title: string): void;
}

interface Window {
  atelier: Atelier;
  webui: Webui;
  gradio_config?: { root?: string; app_id?: string | number; components?: { id: number; props: GradioProps }[] };
}

interface WindowEventMap {
  "canvas-change": CustomEvent<string>;
  "form-change": CustomEvent<{ key: string; values: Record<string, unknown> }>;
  "checkpoint-defaults": CustomEvent<{ tab: Tab; defaults: CheckpointDefaults }>;
  keys: CustomEvent<Keys>;
  presets: CustomEvent<null>;
  trash: CustomEvent<number>;
}

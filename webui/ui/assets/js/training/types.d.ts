// What the routes of the tab "Train" answer, for the checks alone: browsers never load this.

/** A data set in the list. */
interface DataSetSummary {
  name: string;
  pictures: number;
  captioned: number;
  folder: string;
}

/** A picture with its caption; sizes in pixels, `warnings` are sentences. */
interface Example {
  file: string;
  caption: string;
  width: number;
  height: number;
  repeats: number;
  is_regularisation: boolean;
  mask: boolean;
  warnings: string[];
}

/** Something that was left out, and why. */
interface Skipped {
  name: string;
  why: string;
}

interface TagCount {
  tag: string;
  count: number;
}

interface Bucket {
  width: number;
  height: number;
  count: number;
}

/** A data set with all that is known of it. */
interface DataSet {
  name: string;
  folder: string;
  examples: Example[];
  tags: TagCount[];
  buckets: Bucket[];
  duplicates: string[][];
  skipped: Skipped[];
  can_undo: boolean;
}

interface FilesAdded {
  added: string[];
  skipped: Skipped[];
}

/** A change of many captions at once. */
interface CaptionChange {
  action: "add" | "add_front" | "remove" | "replace" | "reorder" | "dedupe";
  text?: string;
  with?: string;
  /** None: all. */
  files?: string[];
}

/** What writes captions. */
interface Captioner {
  id: string;
  name: string;
  is_tagger: boolean;
  licence: string;
  /** Bytes. */
  size: number;
  present: boolean;
  /** Why one that is here cannot be used. */
  reason: string | null;
  /** Where one that is not here can be fetched. */
  fetch: { repo: string; page: string; about: string } | null;
  downloads: Download[];
}

/** How far the writing of captions is. */
interface CaptioningState {
  state: string;
  done: number;
  pictures: number;
  detail: string;
  messages: string[];
  error: string | null;
}

/** A choice with words for people. */
interface TrainingChoice {
  name: string;
  title: string;
  about: string;
}

interface TrainingMethod extends TrainingChoice {
  /** Names of fields of a run that it uses. */
  fields: string[];
}

interface TrainingMethods {
  methods: TrainingMethod[];
  goals: TrainingChoice[];
  schema: Record<string, any>;
}

/** A run as asked for: what is not there, or null, is the preset's; see TrainingRun in webui/core/work/training_run.py. */
type AskedRun = Record<string, any>;

interface TrainingCheck {
  run: AskedRun;
  /** Why the preset chose it, by field. */
  chosen: Record<string, string>;
  pictures: number;
  steps: number;
  sentences: string[];
  estimate: { memory_bytes?: number | null; seconds_per_step?: number | null };
}

type RunState = "running" | "queued" | "paused" | "stopped" | "done" | "failed";

interface RunSummary {
  name: string;
  method: string;
  state: RunState;
  step: number;
  steps: number;
  job?: string | null;
  file?: string | null;
  error?: string | null;
}

/** A step of the log. */
interface LogLine {
  step: number;
  loss: number;
  average_loss: number;
  rates: Record<string, number>;
}

interface RunSample {
  step: number;
  prompt: number;
  text: string;
  url: string;
}

interface RunCheckpoint {
  step: number;
  file: string;
  is_final: boolean;
}

interface RunDetail {
  name: string;
  run: AskedRun;
  filled: AskedRun;
  state: RunState;
  error: string | null;
  step: number;
  steps: number;
  seconds_left: number | null;
  seconds_per_step: number | null;
  memory_bytes: number | null;
  log: LogLine[];
  samples: RunSample[];
  checkpoints: RunCheckpoint[];
  waiting_pictures: number;
}

/** Where a run's file stands now, and what calls it in a prompt; empty for a checkpoint. */
interface UsedFile {
  prompt: string;
  file: string;
}

// The routes that the tab talks to. All throw an Error with the server's sentence.
import { address, ask } from "../server.js";

/** A name in a path; the parts of a file's path stay parts. @param {string} name */
function inPath(name) {
  return name.split("/").map(encodeURIComponent).join("/");
}

/** @param {string} name @param {string} [rest] */
function dataSetPath(name, rest = "") {
  return `v1/datasets/${encodeURIComponent(name)}${rest}`;
}

/** @param {string} name @param {string} [rest] */
function runPath(name, rest = "") {
  return `v1/training/${encodeURIComponent(name)}${rest}`;
}

export const dataSets = {
  /** @returns {Promise<DataSetSummary[]>} */
  list: async () => (await ask("GET", "v1/datasets")).datasets,

  /**
   * Makes an empty one, or names a folder of the server's.
   * @param {string} name
   * @param {string} [folder]
   * @returns {Promise<DataSetSummary>}
   */
  make: (name, folder) => ask("POST", "v1/datasets", folder ? { name, folder } : { name }),

  /**
   * @param {string} name
   * @param {number | null} [resolution]
   * @returns {Promise<DataSet>}
   */
  read: (name, resolution) => ask("GET", dataSetPath(name, resolution ? `?resolution=${resolution}` : "")),

  /**
   * @param {string} name
   * @param {{file: File, path: string}[]} files
   * @returns {Promise<FilesAdded>}
   */
  send: (name, files) => {
    const body = new FormData();
    for (const { file, path } of files) body.append("files", file, path);
    return ask("POST", dataSetPath(name, "/files"), body);
  },

  /** @param {string} name @param {string} file @param {string} caption */
  caption: (name, file, caption) => ask("PUT", dataSetPath(name, `/captions/${inPath(file)}`), { caption }),

  /** @param {string} name @param {CaptionChange} change */
  change: (name, change) => ask("POST", dataSetPath(name, "/captions"), change),

  /** @param {string} name @returns {Promise<{restored: string[], left: string[]}>} */
  undo: (name) => ask("POST", dataSetPath(name, "/undo")),

  /** @param {string} name @param {string} file */
  removeFile: (name, file) => ask("DELETE", dataSetPath(name, `/files/${inPath(file)}`)),

  /** @param {string} name */
  remove: (name) => ask("DELETE", dataSetPath(name)),

  /**
   * The address of a picture, small enough for a card where a size is given.
   * @param {string} name
   * @param {string} file
   * @param {number} [size]
   */
  picture: (name, file, size) => address(dataSetPath(name, `/pictures/${inPath(file)}${size ? `?size=${size}` : ""}`)).href,

  /**
   * The address of what training sees of a picture.
   * @param {string} name
   * @param {string} file
   * @param {number} resolution
   * @param {string} crop
   */
  crop: (name, file, resolution, crop) =>
    address(dataSetPath(name, `/pictures/${inPath(file)}/crop?resolution=${resolution}&crop=${crop}`)).href,

  /**
   * Lets a captioner write; it is a job.
   * @param {string} name
   * @param {{captioner: string, mode: string, files?: string[]}} wish
   */
  write: (name, wish) => ask("POST", dataSetPath(name, "/caption"), wish),

  /**
   * How far the writing is.
   * @param {string} job
   * @returns {Promise<CaptioningState>}
   */
  writing: (job) => ask("GET", `v1/captioning/jobs/${encodeURIComponent(job)}`),

  /** @param {string} job */
  stopWriting: (job) => ask("POST", `v1/captioning/jobs/${encodeURIComponent(job)}/stop`),
};

export const runs = {
  /** @returns {Promise<TrainingMethods>} */
  methods: () => ask("GET", "v1/training/methods"),

  /** @param {AskedRun} run @param {AbortSignal} [signal] @returns {Promise<TrainingCheck>} */
  check: (run, signal) => ask("POST", "v1/training/check", run, signal),

  /** @param {AskedRun} run @returns {Promise<{job: string, name: string}>} */
  start: (run) => ask("POST", "v1/training", run),

  /** @returns {Promise<RunSummary[]>} */
  list: async () => (await ask("GET", "v1/training")).runs,

  /** @param {string} name @param {number} after @returns {Promise<RunDetail>} */
  read: (name, after) => ask("GET", runPath(name, after >= 0 ? `?after=${after}` : "")),

  /** @param {string} name @param {"pause" | "resume" | "stop"} what */
  tell: (name, what) => ask("POST", runPath(name, `/${what}`)),

  /** @param {string} name @param {{prompt: string, seed?: number}} sample */
  sample: (name, sample) => ask("POST", runPath(name, "/sample"), sample),

  /** @param {string} name @param {number} step @returns {Promise<UsedFile>} */
  use: (name, step) => ask("POST", runPath(name, "/use"), { step }),

  /** @param {string} name */
  remove: (name) => ask("DELETE", runPath(name)),
};

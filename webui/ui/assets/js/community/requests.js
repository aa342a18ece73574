// The routes that the tab "Extensions" talks to. All throw an Error with the server's sentence.
import { ask, askForLines } from "../server.js";

/** @param {string} name @param {string} [rest] */
function path(name, rest = "") {
  return `v1/community/extensions/${encodeURIComponent(name)}${rest}`;
}

/** @param {string} token @param {string} [rest] */
function stagedPath(token, rest = "") {
  return `v1/community/staged/${encodeURIComponent(token)}${rest}`;
}

/** @param {string} id @param {string} [rest] */
function trashPath(id, rest = "") {
  return `v1/community/trash/${encodeURIComponent(id)}${rest}`;
}

export const community = {
  /** @returns {Promise<CommunityState>} */
  look: () => ask("GET", "v1/community"),

  /** @param {string} name @param {boolean} wanted */
  switchOn: (name, wanted) => ask("PATCH", path(name), { wanted }),

  /** @param {string} name @returns {Promise<{commit: string, is_newer: boolean}>} */
  check: (name) => ask("POST", path(name, "/check")),

  /** @param {string} name @returns {Promise<CommunityExtension>} */
  rollBack: (name) => ask("POST", path(name, "/roll-back")),

  /** @param {string} name @returns {Promise<{tree: string, report: CodeReport}>} */
  readCode: (name) => ask("GET", path(name, "/code")),

  /** @param {string} name @param {string} tree */
  accept: (name, tree) => ask("POST", path(name, "/accept"), { tree }),

  /** @param {string} name @returns {Promise<{removed: RemovedExtension[]}>} */
  remove: (name) => ask("DELETE", path(name)),

  /** @param {string[]} names */
  order: (names) => ask("PUT", "v1/community/order", { names }),

  /**
   * Fetches and reads a new one; nothing is installed by it.
   * @param {WantedExtension} wanted
   * @param {boolean} despiteNative
   * @param {AbortSignal} signal
   * @returns {AsyncGenerator<StagingLine>}
   */
  stage: (wanted, despiteNative, signal) =>
    askForLines("v1/community/staged", { ...wanted, despite_native: despiteNative }, signal),

  /**
   * The same for another state of one that is here.
   * @param {string} name
   * @param {{branch?: string, commit?: string}} state
   * @param {AbortSignal} signal
   * @returns {AsyncGenerator<StagingLine>}
   */
  stageUpdate: (name, state, signal) => askForLines(path(name, "/update"), state, signal),

  /** @param {string} token */
  install: (token) => ask("POST", stagedPath(token, "/install")),

  /** @param {string} token */
  drop: (token) => ask("DELETE", stagedPath(token)),

  /** The list that was read last, or null. @returns {Promise<ExtensionIndex | null>} */
  keptIndex: () => ask("GET", "v1/community/index"),

  /** @param {string} url @returns {Promise<ExtensionIndex>} */
  fetchIndex: (url) => ask("POST", "v1/community/index", { url }),

  /** @param {File} file @returns {Promise<ExtensionIndex>} */
  sendIndex: (file) => ask("PUT", "v1/community/index", file),

  /** @returns {Promise<object>} */
  set: () => ask("GET", "v1/community/set"),

  /** @param {unknown} content @returns {Promise<SetStep[]>} */
  planSet: (content) => ask("POST", "v1/community/set", { content }),

  /** @returns {Promise<AuditEntry[]>} */
  audit: () => ask("GET", "v1/community/audit"),

  /** @returns {Promise<{removed: RemovedExtension[]}>} */
  trash: () => ask("GET", "v1/community/trash"),

  /** @param {string} id */
  restore: (id) => ask("POST", trashPath(id, "/restore")),

  /** @param {string} id */
  forget: (id) => ask("DELETE", trashPath(id)),
};

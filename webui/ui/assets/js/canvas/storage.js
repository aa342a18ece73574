// Keeps what canvases hold in this browser's database, so that a reload loses nothing.
import { activeLayer, contextOf, isBlank, makeLayer, makeState, pngOf } from "./layers.js";

const [DATABASE, STORE] = ["atelier", "canvases"];
let opening = null;

function open() {
  opening ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  return opening;
}

/**
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => IDBRequest} action
 * @returns {Promise<any>}
 */
async function transact(mode, action) {
  const database = await open();
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(STORE, mode);
    const request = action(transaction.objectStore(STORE));
    transaction.oncomplete = () => resolve(request.result);
    transaction.onerror = () => reject(transaction.error);
  });
}

/**
 * How a canvas' brush was when it was last changed, or null.
 * @param {string} name
 * @returns {BrushChoice | null}
 */
export function rememberedBrush(name) {
  return JSON.parse(localStorage.getItem(`atelier.brush.${name}`) ?? "null");
}

/**
 * Keeps a brush for the next visit.
 * @param {string} name
 * @param {BrushChoice} brush
 */
export function rememberBrush(name, brush) {
  localStorage.setItem(`atelier.brush.${name}`, JSON.stringify(brush));
}

/**
 * A layer as it is kept; one that has not changed since is not packed again.
 * @param {Layer} layer
 */
async function packLayer(layer) {
  if (layer.packedAt !== layer.revision || layer.revision === undefined) {
    const revision = layer.revision;
    layer.png = isBlank(layer.surface) ? null : await pngOf(layer.surface);
    layer.packedAt = revision;
  }
  const { name, opacity, visible, png } = layer;
  return { name, opacity, visible, png };
}

/**
 * Keeps a state under a name.
 * @param {string} name
 * @param {CanvasContent} state
 */
export async function save(name, state) {
  if (!state.base) return transact("readwrite", (store) => store.delete(name));
  const { blob, width, height, reference } = state.base;
  const layers = [];
  for (const layer of state.layers) layers.push(await packLayer(layer));
  const record = { base: { blob, width, height, reference }, layers, active: state.active };
  return transact("readwrite", (store) => store.put(record, name));
}

/**
 * The state kept under a name, or null.
 * @param {string} name
 * @returns {Promise<CanvasContent | null>}
 */
export async function load(name) {
  const record = await transact("readonly", (store) => store.get(name));
  if (!record?.base) return null;
  const bitmap = await createImageBitmap(record.base.blob);
  const state = makeState({ ...record.base, bitmap });
  const { width, height } = record.base;
  state.layers = [];
  for (const { name: title, opacity, visible, png } of record.layers) {
    const layer = Object.assign(makeLayer(width, height, title), { opacity, visible });
    if (png) contextOf(layer.surface).drawImage(await createImageBitmap(png), 0, 0);
    state.layers.push(layer);
  }
  state.active = Math.min(record.active, state.layers.length - 1);
  return activeLayer(state) ? state : makeState(state.base);
}

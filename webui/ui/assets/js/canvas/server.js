// Pictures to the server, which refers to each by the hash of its file.
import { address, sentenceOf } from "../server.js";

/**
 * Sends a picture file: {reference, width, height}. Throws an Error with the server's sentence.
 * @param {Blob} blob
 * @returns {Promise<{reference: string, width: number, height: number}>}
 */
export async function upload(blob) {
  let response;
  try {
    response = await fetch(address("v1/inputs"), { method: "POST", body: blob });
  } catch {
    throw new Error("The server cannot be reached, so the picture was not sent. It is still here; try again.");
  }
  if (!response.ok) throw new Error(await sentenceOf(response));
  return response.json();
}

/**
 * Whether the server still has a picture.
 * @param {string} reference
 */
export async function isThere(reference) {
  try {
    return (await fetch(address(`v1/inputs/${reference}`), { method: "HEAD" })).ok;
  } catch {
    return false;
  }
}

/**
 * Whether the server has all the pictures of an answer.
 * @param {References} references
 */
export async function areThere({ image, mask, original }) {
  const known = await Promise.all([image, mask, original].flatMap((reference) => (reference ? isThere(reference) : [])));
  return known.every(Boolean);
}

/**
 * A picture that the server has, as PNG.
 * @param {string} reference
 */
export async function download(reference) {
  const response = await fetch(address(`v1/inputs/${reference}`));
  if (!response.ok) throw new Error(await sentenceOf(response));
  return response.blob();
}

/**
 * A picture file as the base of a canvas. The server looks at it first: what it cannot use is refused while what was
 * there before still is.
 * @param {Blob} blob
 * @returns {Promise<Base>}
 */
export async function readBase(blob) {
  const { reference, width, height } = await upload(blob);
  let bitmap;
  try {
    bitmap = await createImageBitmap(blob);
  } catch {
    // Formats that the server reads and the browser does not, such as TIFF.
    blob = await download(reference);
    bitmap = await createImageBitmap(blob);
  }
  if (bitmap.width !== width || bitmap.height !== height) {
    blob = await download(reference);
    bitmap = await createImageBitmap(blob);
  }
  return { bitmap, blob, width, height, reference };
}

/**
 * The reference of a base; sends it again where the server has lost it.
 * @param {Base} base
 */
export async function referenceOf(base) {
  if (!base.reference || !(await isThere(base.reference))) base.reference = (await upload(base.blob)).reference;
  return base.reference;
}

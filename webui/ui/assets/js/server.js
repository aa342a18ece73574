// Our own server: addresses, answers, refusals. Other modules import from here.

/**
 * An address of our own server, also where a proxy offers it below a path.
 * @param {string} path
 */
export function address(path) {
  const root = window.gradio_config?.root || document.baseURI;
  return new URL(path, root.endsWith("/") ? root : `${root}/`);
}

/**
 * The sentence of a refusal.
 * @param {Response} response
 * @returns {Promise<string>}
 */
export async function sentenceOf(response) {
  try {
    return (await response.json()).detail;
  } catch {
    return `The server answered ${response.status}. Its log tells more.`;
  }
}

/**
 * Whether nobody answered: no connection, or a proxy in front that says so.
 * @param {unknown} error
 */
export function isUnreachable(error) {
  const { name, status } = /** @type {Refusal} */ (error);
  return name !== "AbortError" && (!status || [502, 503, 504].includes(status));
}

/**
 * The sentence of what went wrong.
 * @param {unknown} error
 */
export function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Whether somebody gave up waiting, which is no fault.
 * @param {unknown} error
 */
export function isAbort(error) {
  return error instanceof DOMException && error.name === "AbortError";
}

/**
 * Asks a route of ours; the answer as it begins. Throws an Error with the server's sentence.
 * @param {string} method
 * @param {string} path
 * @param {unknown} body
 * @param {AbortSignal | undefined} signal
 */
async function request(method, path, body, signal) {
  const isRaw = body === undefined || body instanceof Blob || body instanceof FormData;
  let response;
  try {
    response = await fetch(address(path), {
      method,
      signal,
      body: isRaw ? body : JSON.stringify(body),
      headers: isRaw ? {} : { "Content-Type": "application/json" },
    });
  } catch (error) {
    if (isAbort(error)) throw error;
    throw new Error("The server cannot be reached. See whether it still runs, then try again.", { cause: error });
  }
  if (!response.ok) {
    const error = /** @type {Refusal} */ (new Error(await sentenceOf(response.clone())));
    error.status = response.status;
    error.body = await response.json().catch(() => null);
    throw error;
  }
  return response;
}

/**
 * Asks a route of ours and gives its JSON, null for an empty answer. Throws an Error with the server's sentence.
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body]
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 */
export async function ask(method, path, body, signal) {
  const response = await request(method, path, body, signal);
  return response.status === 204 ? null : response.json();
}

/**
 * Asks a route of ours that answers with lines of JSON, and gives each as it comes. Throws as `ask` does.
 * @param {string} path
 * @param {unknown} body
 * @param {AbortSignal} signal
 * @returns {AsyncGenerator<any, void, void>}
 */
export async function* askForLines(path, body, signal) {
  const { body: stream } = await request("POST", path, body, signal);
  if (!stream) return;
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let begun = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const lines = (begun + value).split("\n");
      begun = lines.pop() ?? "";
      for (const line of lines) yield JSON.parse(line);
    }
  } catch (error) {
    if (isAbort(error)) throw error;
    const sentence = "The server broke off in the middle. See whether it still runs, then try again.";
    throw new Error(sentence, { cause: error });
  }
}

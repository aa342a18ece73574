// Small pieces of what the editor builds, and how it asks the server.

/**
 * An element with properties, attributes and children.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, any>} [properties] - names with a dash, and role, are attributes
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role") element.setAttribute(name, value);
    else Reflect.set(element, name, value);
  }
  element.append(...children);
  return element;
}

/**
 * A button.
 * @param {string} words
 * @param {() => unknown} action
 * @param {Record<string, any>} [properties]
 */
export function button(words, action, properties = {}) {
  return make("button", { type: "button", className: "cn-button", textContent: words, onclick: action, ...properties });
}

/**
 * A box to tick, with its words.
 * @param {string} words
 * @param {boolean} checked
 * @param {(checked: boolean) => unknown} action
 * @param {Record<string, any>} [properties]
 */
export function tick(words, checked, action, properties = {}) {
  const input = make("input", { type: "checkbox", checked, onchange: () => action(input.checked), ...properties });
  return make("label", { className: "cn-tick" }, input, words);
}

/**
 * A list to choose one entry from. Entries with a reason cannot be chosen.
 * @param {string} words
 * @param {{value: string, words?: string, reason?: string | null}[]} entries
 * @param {string} value
 * @param {(value: string) => unknown} action
 * @param {Record<string, any>} [properties]
 */
export function choice(words, entries, value, action, properties = {}) {
  const options = entries.map((entry) =>
    make("option", {
      value: entry.value,
      textContent: (entry.words ?? entry.value) + (entry.reason ? ` (${entry.reason})` : ""),
      disabled: Boolean(entry.reason),
    }),
  );
  if (!entries.some((entry) => entry.value === value)) {
    options.unshift(make("option", { value, textContent: `${value} (not here)` }));
  }
  const select = make("select", { onchange: () => action(select.value), "aria-label": words, ...properties }, ...options);
  select.value = value;
  return make("label", { className: "cn-field" }, make("span", { textContent: words }), select);
}

/**
 * A slider with its number.
 * @param {OfferedSlider} slider
 * @param {number} value
 * @param {(value: number) => unknown} action
 * @param {Record<string, any>} [properties]
 */
export function slider({ name, min, max, step }, value, action, properties = {}) {
  const range = make("input", { type: "range", min, max, step, value, "aria-label": name });
  const number = make("input", { type: "number", min, max, step: "any", value, "aria-label": `${name}, number` });
  range.value = number.value = String(value);
  range.addEventListener("input", () => {
    number.value = range.value;
    action(Number(range.value));
  });
  number.addEventListener("change", () => {
    const wanted = number.value.trim() === "" || Number.isNaN(number.valueAsNumber) ? Number(range.value) : number.valueAsNumber;
    const within = Math.min(Math.max(wanted, min), max);
    number.value = range.value = String(within);
    action(within);
  });
  return make(
    "div",
    { className: "cn-slider", ...properties },
    make("span", { className: "cn-slider-head" }, make("span", { textContent: name }), number),
    range,
  );
}

/**
 * An address of the server, also where a proxy offers it below a path.
 * @param {string} path
 */
export function address(path) {
  const root = /** @type {any} */ (window).gradio_config?.root || document.baseURI;
  return new URL(path, root.endsWith("/") ? root : `${root}/`).href;
}

/**
 * The address of a picture that the server keeps.
 * @param {string} reference
 */
export function pictureAddress(reference) {
  return address(`v1/inputs/${reference}`);
}

/**
 * Asks the server and gives its JSON. Throws an Error with the server's sentence.
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body]
 * @returns {Promise<any>}
 */
export async function ask(method, path, body) {
  const isJson = body !== undefined && !(body instanceof Blob);
  let response;
  try {
    response = await fetch(address(path), {
      method,
      body: isJson ? JSON.stringify(body) : /** @type {Blob | undefined} */ (body),
      headers: isJson ? { "Content-Type": "application/json" } : {},
    });
  } catch (error) {
    throw new Error("The server cannot be reached. See whether it still runs, then try again.", { cause: error });
  }
  if (response.ok) return response.json();
  const answer = await response.json().catch(() => null);
  const detail = answer?.detail;
  throw new Error(typeof detail === "string" ? detail : `The server answered ${response.status}. Its log tells more.`);
}

/**
 * Gives a picture to the server to keep.
 * @param {Blob} file
 * @returns {Promise<KeptPicture>}
 */
export function keepPicture(file) {
  return ask("POST", "v1/inputs", file);
}

/**
 * The size of a picture that the server keeps.
 * @param {string} reference
 * @returns {Promise<HTMLImageElement>}
 */
export async function loadPicture(reference) {
  const image = new Image();
  image.src = pictureAddress(reference);
  await image.decode();
  return image;
}

/**
 * A canvas as a PNG file.
 * @param {HTMLCanvasElement} canvas
 * @returns {Promise<Blob>}
 */
export function toPng(canvas) {
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("The picture is too large for this browser."))), "image/png");
  });
}

/**
 * The sentence of what went wrong.
 * @param {unknown} error
 */
export function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}

/**
 * A size for people.
 * @param {number} bytes
 */
export function sizeText(bytes) {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(2)} GB` : `${Math.round(bytes / 1e6)} MB`;
}

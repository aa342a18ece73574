// What a JSON schema says of a field, as far as a form needs it. Other modules import from here.

/** @typedef {Record<string, any>} Schema */
/**
 * One field. `kind` says how it is drawn.
 * @typedef {{name: string, label: string, about: string, kind: string, schema: Schema, min?: number, max?: number,
 *   step?: number, choices?: string[], lines?: number, from?: string, item?: Schema,
 *   when?: Record<string, unknown[]>}} Field
 */

// ImageRef, in webui/core/request_parts.py.
const PICTURE = "^[0-9a-f]{64}$";

/**
 * A schema without references and without the "or null" of optional fields.
 * @param {Schema} schema
 * @param {Schema} root
 * @returns {Schema}
 */
export function resolve(schema, root) {
  const { $ref, allOf, anyOf, ...own } = schema;
  if ($ref) return { ...resolve(root.$defs?.[$ref.split("/").at(-1)] ?? {}, root), ...own };
  if (allOf?.length === 1) return { ...resolve(allOf[0], root), ...own };
  const some = anyOf?.filter((/** @type {Schema} */ each) => each.type !== "null");
  if (!some?.length) return schema;
  const numbers = some.every((/** @type {Schema} */ each) => ["integer", "number"].includes(each.type));
  const chosen = numbers ? (some.find((/** @type {Schema} */ each) => each.type === "number") ?? some[0]) : some[0];
  return { ...resolve(chosen, root), ...own };
}

/**
 * The fields of a model's schema, in order; hidden ones are left out.
 * @param {Schema} model
 * @param {Schema} root
 * @returns {Field[]}
 */
export function fieldsOf(model, root) {
  return Object.entries(resolve(model, root).properties ?? {})
    .map(([name, schema]) => fieldOf(name, resolve(schema, root), root))
    .filter(({ schema }) => !schema.hidden);
}

/**
 * @param {string} name
 * @param {Schema} schema
 * @param {Schema} root
 * @returns {Field}
 */
export function fieldOf(name, schema, root) {
  const label = schema.title && !isMade(schema.title, name) ? schema.title : capital(name.replaceAll("_", " "));
  const field = { name, label, about: schema.description ?? "", schema, when: schema.when };
  if (schema.const !== undefined) return { ...field, kind: "choice", choices: [schema.const] };
  if (schema.enum) return { ...field, kind: "choice", choices: schema.enum };
  if (schema.choices_from) return { ...field, kind: "choice", from: schema.choices_from };
  if (schema.picture || schema.pattern === PICTURE) return { ...field, kind: "picture" };
  if (schema.type === "boolean") return { ...field, kind: "tick" };
  if (["integer", "number"].includes(schema.type)) return { ...field, ...numberOf(schema) };
  if (schema.type === "array") return { ...field, ...listOf(schema, root) };
  if (schema.properties) return { ...field, kind: "model" };
  if (schema.type === "string") return { ...field, kind: "text", lines: schema.lines ?? 1 };
  return { ...field, kind: "json", lines: 3 };
}

/** @param {string} words */
const capital = (words) => words.charAt(0).toUpperCase() + words.slice(1);

/**
 * Whether Pydantic made a title of a field's name, where nobody gave one: "Mask Blur".
 * @param {string} title
 * @param {string} name
 */
const isMade = (title, name) => title === name.split("_").map(capital).join(" ");

/** @param {Schema} schema */
function numberOf(schema) {
  const isWhole = schema.type === "integer";
  // Pydantic has the ends of a union, such as int | float, under its own names.
  const min = schema.minimum ?? schema.exclusiveMinimum ?? schema.ge ?? schema.gt;
  const max = schema.maximum ?? schema.exclusiveMaximum ?? schema.le ?? schema.lt;
  const step = schema.step ?? schema.multipleOf ?? (isWhole ? 1 : max - min <= 4 ? 0.01 : 0.1);
  const kind = min !== undefined && max !== undefined ? "slider" : "number";
  return { kind, min, max, step: Number.isFinite(step) ? step : isWhole ? 1 : 0.01 };
}

/**
 * @param {Schema} schema
 * @param {Schema} root
 */
function listOf(schema, root) {
  const item = resolve(schema.items ?? {}, root);
  if (item.properties) return { kind: "units", item, max: schema.maxItems, min: schema.minItems };
  if (item.picture || item.pattern === PICTURE) return { kind: "json", lines: 3 };
  if (["string", "integer", "number"].includes(item.type)) return { kind: "lines", item, lines: schema.lines ?? 3 };
  return { kind: "json", lines: 3 };
}

/**
 * The value that a new unit begins with: the defaults of its fields.
 * @param {Schema} model
 * @param {Schema} root
 * @returns {Record<string, unknown>}
 */
export function defaultsOf(model, root) {
  const entries = Object.entries(resolve(model, root).properties ?? {}).map(([name, schema]) => {
    const whole = resolve(schema, root);
    const given = schema.default ?? whole.default;
    return [name, given !== undefined ? given : whole.properties ? defaultsOf(whole, root) : emptyOf(whole, schema)];
  });
  return Object.fromEntries(entries);
}

/**
 * @param {Schema} schema
 * @param {Schema} written
 */
function emptyOf(schema, written) {
  if ("default" in written) return written.default;
  const empty = /** @type {Record<string, unknown>} */ ({ string: "", boolean: false, integer: 0, number: 0, array: [] });
  return empty[schema.type] ?? null;
}

/**
 * Whether two values of JSON are the same.
 * @param {unknown} one
 * @param {unknown} other
 * @returns {boolean}
 */
export function isEqual(one, other) {
  if (one === other) return true;
  if (typeof one !== "object" || typeof other !== "object" || !one || !other) return false;
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  const read = (/** @type {object} */ value, /** @type {string} */ name) => Reflect.get(value, name);
  return [...names].every((name) => isEqual(read(one, name), read(other, name)));
}

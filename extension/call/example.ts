import { isObject, type Json, type JsonObject } from './json.ts';
import { resolveRef, together } from './schema.ts';

/** Deeper than any input that people write; schemas may refer to themselves. */
const maxDepth = 8;
/** One that refers to itself several times would grow with each level. */
const maxValues = 2_000;
/** All of their properties together: schemas with many parts have them again for each value. */
const maxProperties = 100_000;
/** Nobody wants to fill in more items or characters than this. */
const maxFilled = 20;

/** The references that each value around one follows. */
type Above = readonly ReadonlySet<string>[];

interface Walk {
  readonly components: JsonObject;
  values: number;
  properties: number;
}

/**
 * An input that fits a schema: its example, otherwise the examples and defaults of its properties, and a value of the
 * right type for each required one. Pure.
 * @param schema self-contained: references point into its `components`
 */
export function exampleOf(schema: JsonObject): Json {
  const components = isObject(schema.components) ? schema.components : {};
  return sampleOf(schema, { components, values: 0, properties: 0 }, []) ?? {};
}

/** `undefined`: nothing says what it may be. */
function sampleOf(schema: JsonObject, walk: Walk, above: Above): Json | undefined {
  if (++walk.values > maxValues || walk.properties > maxProperties) return undefined;
  const followed = new Set<string>();
  const all = together(schema, walk.components, new Set(above.flatMap((refs) => [...refs])), followed);
  for (const one of all) walk.properties += Object.keys(one).length;
  for (const one of all) {
    const given = givenIn(one) ?? onlyIn(one);
    if (given !== undefined) return given;
  }
  if (above.length > maxDepth) return undefined;
  const within = [...above, followed];
  if (all.some(({ type, properties }) => type === 'object' || isObject(properties))) return objectOf(all, walk, within);
  const typed = all.find(({ type }) => type !== undefined);
  return typed ? plainValue(typed, walk, within) : undefined;
}

/** What the app's author gives as an example or a default. */
function givenIn({ example, examples, default: fallback }: JsonObject): Json | undefined {
  const first = Array.isArray(examples) ? examples[0] : undefined;
  return [example, first, fallback].find((one) => one !== undefined && one !== null);
}

function onlyIn({ const: only, enum: values }: JsonObject): Json | undefined {
  return [only, Array.isArray(values) ? values[0] : undefined].find((one) => one !== undefined && one !== null);
}

function objectOf(all: readonly JsonObject[], walk: Walk, above: Above): JsonObject {
  const lists = <T extends Json>(name: string) =>
    all.flatMap((one) => (Array.isArray(one[name]) ? (one[name] as readonly T[]) : []));
  const required = new Set(lists('required'));
  const listed = all.flatMap((one) => (isObject(one.properties) ? Object.entries(one.properties) : []));
  const properties = new Map(listed);
  // The SDK's own order (fal/api/api.py, `_mark_order_openapi`).
  const order = lists('x-fal-order-properties').filter((name) => typeof name === 'string');
  walk.properties += listed.length + required.size + order.length;
  const entries = [...new Set([...order, ...properties.keys()])].flatMap((name): [string, Json][] => {
    const property = properties.get(name);
    if (!isObject(property) || name === '$schema') return [];
    if (required.has(name)) return [[name, sampleOf(property, walk, above) ?? null]];
    // Without a default, leaving it out is what the app's author expects.
    const given = givenIn(resolveRef(property, walk.components));
    return given === undefined ? [] : [[name, given]];
  });
  return Object.fromEntries(entries);
}

function plainValue(schema: JsonObject, walk: Walk, above: Above): Json | undefined {
  const { type, minLength } = schema;
  switch (Array.isArray(type) ? type.find((one) => one !== 'null') : type) {
    case 'string':
      return '.'.repeat(Math.min(Number(minLength ?? 0) || 0, maxFilled));
    case 'boolean':
      return false;
    case 'integer':
      return numberOf(schema, true);
    case 'number':
      return numberOf(schema, false);
    case 'array':
      return arrayOf(schema, walk, above);
    default:
      return undefined;
  }
}

/** Zero if it is allowed, otherwise a number close to it that is. */
function numberOf(schema: JsonObject, isInteger: boolean): number {
  const limit = (name: string) => (typeof schema[name] === 'number' ? schema[name] : undefined);
  const above = limit('exclusiveMinimum');
  const below = limit('exclusiveMaximum');
  const step = limit('multipleOf') ?? 1;
  const low = limit('minimum') ?? (above === undefined ? undefined : above + (isInteger ? 1 : 0));
  const high = limit('maximum') ?? (below === undefined ? undefined : below - (isInteger ? 1 : 0));
  const candidates = [
    low === undefined ? 0 : Math.ceil(low / step) * step,
    low === undefined ? undefined : Math.ceil(low / step) * step + step,
    high === undefined ? undefined : Math.floor(high / step) * step,
    high === undefined ? undefined : Math.floor(high / step) * step - step,
    low === undefined || high === undefined ? undefined : (low + high) / 2,
  ].filter((one) => one !== undefined);
  const fits = (one: number) =>
    (low === undefined || one >= low) &&
    (high === undefined || one <= high) &&
    (above === undefined || one > above) &&
    (below === undefined || one < below);
  return candidates.find(fits) ?? low ?? 0;
}

function arrayOf({ items, prefixItems, minItems }: JsonObject, walk: Walk, above: Above): Json {
  const first = Array.isArray(prefixItems) ? prefixItems.filter(isObject).slice(0, maxFilled) : [];
  const more = Math.min(Number(minItems ?? 0) || 0, maxFilled) - first.length;
  const rest = isObject(items) && more > 0 ? Array.from({ length: more }, () => items) : [];
  return [...first, ...rest].map((one) => sampleOf(one, walk, above) ?? null);
}

import { isObject, type Json, type JsonObject } from './json.ts';
import { alternatives, propertiesOf } from './schema.ts';

/** Deeper than any input that people write; schemas may refer to themselves. */
const maxDepth = 8;
/** One that refers to itself several times would grow with each level. */
const maxValues = 2_000;

interface Walk {
  readonly components: JsonObject;
  values: number;
}

/**
 * An input that fits a schema: its example, otherwise the examples and defaults of its properties, and a value of the
 * right type for each required one. Pure.
 * @param schema one that stands alone: references lead into its `components`
 */
export function exampleOf(schema: JsonObject): Json {
  const components = isObject(schema.components) ? schema.components : {};
  return sampleOf(schema, { components, values: 0 }, 0) ?? {};
}

/** `undefined`: nothing says what it may be. */
function sampleOf(schema: JsonObject, walk: Walk, depth: number): Json | undefined {
  const all = alternatives(schema, walk.components);
  for (const one of all) {
    const given = givenIn(one);
    if (given !== undefined && given !== null) return given;
  }
  if (depth > maxDepth || ++walk.values > maxValues) return undefined;
  if (all.some(({ type, properties }) => type === 'object' || isObject(properties))) {
    return objectOf(schema, walk, depth);
  }
  const typed = all.find(({ type }) => type !== undefined);
  return typed ? plainValue(typed, walk, depth) : undefined;
}

function givenIn({ example, examples, default: fallback, const: only, enum: values }: JsonObject): Json | undefined {
  const first = Array.isArray(examples) ? examples[0] : undefined;
  return [example, first, fallback, only, Array.isArray(values) ? values[0] : undefined].find(
    (one) => one !== undefined && one !== null,
  );
}

function objectOf(schema: JsonObject, walk: Walk, depth: number): JsonObject {
  const all = alternatives(schema, walk.components);
  const required = new Set(all.flatMap((one) => (Array.isArray(one.required) ? one.required : [])));
  const properties = propertiesOf(schema, walk.components);
  // The SDK's own order (fal/api/api.py, `_mark_order_openapi`).
  const order = all.flatMap((one) =>
    Array.isArray(one['x-fal-order-properties']) ? one['x-fal-order-properties'] : [],
  );
  const names = new Set([...order.filter((name): name is string => typeof name === 'string'), ...properties.keys()]);
  const entries = [...names].flatMap((name): [string, Json][] => {
    const property = properties.get(name);
    if (!property || name === '$schema') return [];
    const given = alternatives(property, walk.components)
      .map(givenIn)
      .find((one) => one !== undefined);
    if (given !== undefined) return [[name, given]];
    return required.has(name) ? [[name, sampleOf(property, walk, depth + 1) ?? null]] : [];
  });
  return Object.fromEntries(entries);
}

function plainValue(schema: JsonObject, walk: Walk, depth: number): Json | undefined {
  const { type, minimum, exclusiveMinimum, items, minItems } = schema;
  switch (Array.isArray(type) ? type.find((one) => one !== 'null') : type) {
    case 'string':
      return '';
    case 'boolean':
      return false;
    case 'integer':
    case 'number':
      if (typeof minimum === 'number') return minimum;
      return typeof exclusiveMinimum === 'number' ? exclusiveMinimum + 1 : 0;
    case 'array': {
      const first = isObject(items) && Number(minItems ?? 0) > 0 ? sampleOf(items, walk, depth + 1) : undefined;
      return first === undefined ? [] : [first];
    }
    default:
      return undefined;
  }
}

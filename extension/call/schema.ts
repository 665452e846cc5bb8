import { isObject, type Json, type JsonObject } from './json.ts';

/** Follows references into `#/components/`, as far as they lead. Pure. */
export function resolveRef(schema: JsonObject, components: JsonObject): JsonObject {
  let found = schema;
  const seen = new Set<string>();
  while (typeof found.$ref === 'string' && seen.size < 20) {
    // One that refers to itself says nothing more.
    if (seen.has(found.$ref)) break;
    seen.add(found.$ref);
    const [, kind = '', name = ''] = /^#\/components\/([^/]+)\/([^/]+)$/.exec(found.$ref) ?? [];
    const group = components[kind];
    const target = isObject(group) ? group[name.replaceAll('~1', '/').replaceAll('~0', '~')] : undefined;
    if (!isObject(target)) return {};
    const { $ref: _, ...own } = found;
    found = { ...target, ...own };
  }
  return found;
}

/** Schemas may refer to themselves. */
const maxTogether = 50;

/** The schemas that a value may have: the schema itself, and its alternatives and theirs without `null`. Pure. */
export function alternatives(schema: JsonObject, components: JsonObject): readonly JsonObject[] {
  const found: JsonObject[] = [];
  const waiting = [schema];
  for (let next = waiting.shift(); next && found.length < maxTogether; next = waiting.shift()) {
    const own = resolveRef(next, components);
    if (own.type === 'null' && found.length > 0) continue;
    found.push(own);
    const others = [own.anyOf, own.oneOf, own.allOf].flatMap((list) => (Array.isArray(list) ? list : []));
    waiting.push(...others.filter(isObject).slice(0, maxTogether));
  }
  return found;
}

/**
 * The schemas that one value has to fit at the same time: the schema itself, all of `allOf`, and the first alternative
 * that isn't `null`. Pure.
 * @param above references that are being followed: an alternative that leads back to one of them is the last choice
 * @param followed gets the references that this value follows
 */
export function together(
  schema: JsonObject,
  components: JsonObject,
  above: ReadonlySet<string> = new Set(),
  followed: Set<string> = new Set(),
): readonly JsonObject[] {
  const listed = (list: Json | undefined) => (Array.isArray(list) ? list : []).filter(isObject);
  const found: JsonObject[] = [];
  const waiting = [schema];
  const isNew = ({ $ref: ref }: JsonObject) => typeof ref !== 'string' || !above.has(ref);
  for (let next = waiting.shift(); next && found.length < maxTogether; next = waiting.shift()) {
    const { $ref: ref, ...rest } = next;
    const isKnown = typeof ref === 'string' && followed.has(ref);
    if (isKnown && Object.keys(rest).length === 0) continue;
    if (typeof ref === 'string') followed.add(ref);
    const own = isKnown ? rest : resolveRef(next, components);
    found.push(own);
    const others = listed(own.anyOf ?? own.oneOf).filter((one) => resolveRef(one, components).type !== 'null');
    const first = others.find(isNew) ?? others[0];
    waiting.push(...listed(own.allOf).slice(0, maxTogether), ...(first ? [first] : []));
  }
  return found;
}

/** The schemas of an object's properties. Pure. */
export function propertiesOf(schema: JsonObject, components: JsonObject): ReadonlyMap<string, JsonObject> {
  const lists = alternatives(schema, components).map(({ properties }) => (isObject(properties) ? properties : {}));
  return new Map(
    lists.flatMap((properties) =>
      Object.entries(properties).flatMap(([name, one]): [string, JsonObject][] => (isObject(one) ? [[name, one]] : [])),
    ),
  );
}

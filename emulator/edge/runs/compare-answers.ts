import type { CopiedAnswer } from '../../exchange/copies.ts';

/**
 * `structure`: another status, type or shape. `values`: only values differ, as those of random numbers, times and ids
 * do each time.
 */
export type Difference =
  | { readonly kind: 'none' }
  | { readonly kind: 'structure' | 'values'; readonly places: readonly string[] };

/** Places that are named. */
const maxPlaces = 5;
/** Values that are compared; what is left over counts as equal. */
const maxValues = 200_000;
/** Below it, nothing is compared: another value is assumed. */
const maxDepth = 100;

/**
 * How the answer of a runner that was started just now differs from that of the runner that changed its code. Places
 * are paths in JSON (`$.items[0].name`), with what is there. Pure.
 */
export function compareAnswers(changed: CopiedAnswer, fresh: CopiedAnswer): Difference {
  if (changed.status !== fresh.status)
    return { kind: 'structure', places: [`status ${fresh.status} in place of ${changed.status}`] };
  if (typeOf(changed) !== typeOf(fresh))
    return { kind: 'structure', places: [`${typeOf(fresh)} in place of ${typeOf(changed)}`] };
  if (changed.body.equals(fresh.body)) return { kind: 'none' };
  const [here, there] = [jsonOf(changed), jsonOf(fresh)];
  if (!here || !there) return { kind: 'values', places: [typeOf(fresh) || 'the body'] };
  const found = { structure: [] as string[], values: [] as string[] };
  let left = maxValues;

  function walk(one: unknown, other: unknown, path: string, depth: number): void {
    if (--left < 0) return;
    if (depth > maxDepth) return void found.values.push(path);
    const kind = kindOf(other);
    if (kindOf(one) !== kind) {
      found.structure.push(`${path} is ${kind} in place of ${kindOf(one)}`);
    } else if (Array.isArray(one) && Array.isArray(other)) {
      if (one.length !== other.length)
        found.structure.push(`${path} has ${other.length} entries in place of ${one.length}`);
      for (const [at, value] of one.slice(0, other.length).entries())
        walk(value, other[at], `${path}[${at}]`, depth + 1);
    } else if (isObject(one) && isObject(other)) {
      for (const name of new Set([...Object.keys(one), ...Object.keys(other)])) {
        const place = `${path}${/^\w+$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`}`;
        if (!Object.hasOwn(other, name)) found.structure.push(`${place} is missing`);
        else if (!Object.hasOwn(one, name)) found.structure.push(`${place} is new`);
        else walk(one[name], other[name], place, depth + 1);
      }
    } else if (one !== other) {
      found.values.push(path);
    }
  }
  walk(here.value, there.value, '$', 0);
  if (found.structure.length > 0) return { kind: 'structure', places: short(found.structure) };
  // Without a difference in its values, the text is formatted in another way.
  return found.values.length > 0 ? { kind: 'values', places: short(found.values) } : { kind: 'none' };
}

function short(places: readonly string[]): readonly string[] {
  const more = places.length - maxPlaces;
  const cut = places.slice(0, maxPlaces).map((place) => (place.length > 200 ? `${place.slice(0, 199)}…` : place));
  return more > 0 ? [...cut, `${more} more`] : cut;
}

function typeOf({ contentType }: CopiedAnswer): string {
  return contentType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

function jsonOf(answer: CopiedAnswer): { readonly value: unknown } | undefined {
  if (!/\bjson$/.test(typeOf(answer))) return undefined;
  try {
    return { value: JSON.parse(answer.body.toString('utf8')) };
  } catch {
    return undefined;
  }
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return (
    { object: 'an object', string: 'a text', number: 'a number', boolean: 'a boolean' }[typeof value as string] ?? ''
  );
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/**
 * `$input.prompt`, `$node.images.0.url`: the source of a value in a workflow. The grammar is that of the SDK
 * (fal/workflows.py, parse_leaf): a string that begins with `$` is a reference as a whole; parts made of digits index a
 * list, other parts name a key. Pure.
 */
export interface Reference {
  /** `input`, or the ID of a node. */
  readonly name: string;
  readonly path: readonly (string | number)[];
}

/** Maximum nesting of a workflow's values. Deeper values are refused, because they are processed recursively. */
const maxDepth = 100;
/**
 * Maximum number of characters that references may add to one value. A short string can refer to a long one any number
 * of times.
 */
const maxReferred = 32 * 1024 * 1024;
const identifier = /^[\p{L}_][\p{L}\p{N}_]*$/u;

/** A reference can't be resolved, or a value is nested too deeply. The message is for the caller. */
export class ReferenceProblem extends Error {
  readonly reference: Reference | undefined;
  constructor(message: string, reference?: Reference) {
    super(message);
    this.reference = reference;
  }
}

/** Returns `undefined` for a string that begins with `$` but isn't a reference. */
export function parseReference(text: string): Reference | undefined {
  const [name = '', ...parts] = text.slice(1).split('.');
  if (name === '' || parts.some((part) => !/^\d{1,9}$/.test(part) && !identifier.test(part))) return undefined;
  return { name, path: parts.map((part) => (/^\d/.test(part) ? Number(part) : part)) };
}

/** Every string in the value that begins with `$`. @throws ReferenceProblem when the value is nested too deeply */
export function referenceTexts(value: unknown, depth = 0): readonly string[] {
  if (depth > maxDepth) throw new ReferenceProblem(`A value is nested more than ${maxDepth} levels deep.`);
  if (typeof value === 'string') return value.startsWith('$') ? [value] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap((inner) => referenceTexts(inner, depth + 1));
}

/**
 * The value with every reference replaced by what it refers to.
 * @throws ReferenceProblem when a reference can't be resolved, or the resolved values are too large in total
 */
export function hydrate(value: unknown, values: ReadonlyMap<string, unknown>): unknown {
  const room = { left: maxReferred };
  const filled = (part: unknown): unknown => {
    if (typeof part === 'string' && part.startsWith('$')) {
      const found = lookUp(part, values);
      take(room, found);
      return found;
    }
    if (Array.isArray(part)) return part.map(filled);
    if (typeof part !== 'object' || part === null) return part;
    return Object.fromEntries(Object.entries(part).map(([key, inner]) => [key, filled(inner)]));
  };
  return filled(value);
}

/** Subtracts the approximate length of the value's JSON from the remaining room. Stops as soon as nothing is left. */
function take(room: { left: number }, value: unknown): void {
  room.left -= typeof value === 'string' ? value.length + 3 : 3;
  if (room.left < 0)
    throw new ReferenceProblem(`The values of the references are longer than ${maxReferred} characters.`);
  if (Array.isArray(value)) for (const inner of value) take(room, inner);
  else if (typeof value === 'object' && value !== null) {
    for (const [key, inner] of Object.entries(value)) {
      room.left -= key.length + 3;
      take(room, inner);
    }
  }
}

function lookUp(text: string, values: ReadonlyMap<string, unknown>): unknown {
  const reference = parseReference(text);
  if (!reference || !values.has(reference.name)) throw new ReferenceProblem(`${text} refers to nothing.`, reference);
  let found = values.get(reference.name);
  for (const part of reference.path) {
    const has =
      typeof part === 'number'
        ? Array.isArray(found) && part < found.length
        : typeof found === 'object' && found !== null && !Array.isArray(found) && Object.hasOwn(found, part);
    if (!has) throw new ReferenceProblem(`${text} refers to nothing: there is no ${JSON.stringify(part)}.`, reference);
    found = (found as { readonly [key: string | number]: unknown })[part];
  }
  return found;
}

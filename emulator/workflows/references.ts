/**
 * `$input.prompt`, `$node.images.0.url`: where a value of a workflow comes from. The grammar is the SDK's
 * (fal/workflows.py, parse_leaf): a text that begins with `$` is a reference as a whole; parts of digits index a list,
 * others name a key. Pure.
 */
export interface Reference {
  /** `input`, or the id of a node. */
  readonly name: string;
  readonly path: readonly (string | number)[];
}

/** Nesting of a workflow's values; deeper ones are refused, because they are walked by recursion. */
const deepest = 100;
/** Characters that references may bring into one value: a short text can name a long one any number of times. */
const maxReferred = 32 * 1024 * 1024;
const identifier = /^[\p{L}_][\p{L}\p{N}_]*$/u;

/** A reference leads nowhere, or a value is nested too deeply. The message is for the caller. */
export class ReferenceProblem extends Error {
  readonly reference: Reference | undefined;
  constructor(message: string, reference?: Reference) {
    super(message);
    this.reference = reference;
  }
}

/** `undefined`: begins with `$` and is no reference. */
export function parseReference(text: string): Reference | undefined {
  const [name = '', ...parts] = text.slice(1).split('.');
  if (name === '' || parts.some((part) => !/^\d{1,9}$/.test(part) && !identifier.test(part))) return undefined;
  return { name, path: parts.map((part) => (/^\d/.test(part) ? Number(part) : part)) };
}

/** Every text in the value that begins with `$`. @throws ReferenceProblem when it is nested too deeply */
export function referenceTexts(value: unknown, depth = 0): readonly string[] {
  if (depth > deepest) throw new ReferenceProblem(`A value is nested more than ${deepest} deep.`);
  if (typeof value === 'string') return value.startsWith('$') ? [value] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap((inner) => referenceTexts(inner, depth + 1));
}

/**
 * The value with every reference replaced by what it refers to.
 * @throws ReferenceProblem when one leads nowhere, or all of them together to too much
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

/** Takes the characters of the value's JSON, about. Looks at no more of it than there is room for. */
function take(room: { left: number }, value: unknown): void {
  room.left -= typeof value === 'string' ? value.length + 3 : 3;
  if (room.left < 0)
    throw new ReferenceProblem(`What the references lead to is longer than ${maxReferred} characters.`);
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

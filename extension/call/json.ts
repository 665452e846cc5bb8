export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [name: string]: Json;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `undefined`: it isn't JSON. */
export function tryParse(text: string): Json | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A string, or a punctuation mark, or another value. */
const tokens = /"[^"\\]*(?:\\[\s\S][^"\\]*)*"|[{}[\]:,]|[^\s{}[\]:,"]+/g;
/** Prefix of a string that represents an integer by its digits. */
const mark = '\0';

/**
 * The value of a JSON text, in which integers that JavaScript would round are strings that only `exactText` knows: a
 * seed may have 64 bits. `undefined`: it isn't JSON.
 */
export function tryParseExact(text: string): Json | undefined {
  if (!/\d{16}/.test(text) || tryParse(text) === undefined) return tryParse(text);
  return tryParse(text.replace(tokens, (token) => (isRounded(token) ? JSON.stringify(mark + token) : token)));
}

function isRounded(token: string): boolean {
  return /^-?\d{16,}$/.test(token) && !Number.isSafeInteger(Number(token));
}

/** The JSON text of a value of `tryParseExact`. */
export function exactText(value: Json, indent?: number): string {
  return withIntegers(JSON.stringify(value, null, indent));
}

/** A text with JSON's strings, and the integers that some of them represent. */
function withIntegers(text: string): string {
  return text.replace(/"\\u0000(-?\d+)"/g, '$1');
}

/**
 * A valid JSON text with indents, its numbers as they are written; `undefined`: it would be longer than `max`
 * characters. Deeply nested values have more indents than text.
 */
export function indented(text: string, max: number): string | undefined {
  let depth = 0;
  let before = '';
  let shown = '';
  const line = () => `\n${' '.repeat(Math.min(2 * depth, max))}`;
  for (const [token] of text.matchAll(tokens)) {
    const isFirst = before === '{' || before === '[';
    const begin = isFirst || before === ',' ? line : () => '';
    if (token === '}' || token === ']') {
      depth--;
      shown += isFirst ? token : line() + token;
    } else if (token === ':') shown += ': ';
    else shown += begin() + (token.startsWith('"') ? JSON.stringify(JSON.parse(token)) : token);
    if (token === '{' || token === '[') depth++;
    if (shown.length > max) return undefined;
    before = token;
  }
  return shown;
}

import { tokensOf } from '../views/indented.ts';

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

/** Prefix of a string that represents a number by its text. */
const mark = '\0';

/**
 * The value of a JSON text, in which numbers that JavaScript would write differently are strings that only `exactText`
 * knows: a seed may have 64 bits, and to Python `1.0` isn't `1`. `undefined`: it isn't JSON.
 */
export function tryParseExact(text: string): Json | undefined {
  if (!/\d{16}|\d[.eE]|-0/.test(text) || tryParse(text) === undefined) return tryParse(text);
  let exact = '';
  for (const token of tokensOf(text)) exact += isChanged(token) ? JSON.stringify(mark + token) : token;
  return tryParse(exact);
}

function isChanged(token: string): boolean {
  return /^-?\d/.test(token) && JSON.stringify(Number(token)) !== token;
}

/** The JSON text of a value of `tryParseExact`. */
export function exactText(value: Json, indent?: number): string {
  // The numbers that some strings represent.
  return JSON.stringify(value, null, indent).replace(/"\\u0000(-?\d[\d.eE+-]*)"/g, '$1');
}

import { tokens } from '../views/indented.ts';

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

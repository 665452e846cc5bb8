import { t } from '../words.ts';
import { exactText, isObject, type Json, type JsonObject } from './json.ts';

/** The property that holds a body that isn't an object. */
export const wholeBody = '$body';

/** An input as it is sent. */
interface PlacedInput {
  /** With its leading slash, encoded. */
  readonly path: string;
  /** With its leading `?`; empty: there is none. */
  readonly query: string;
  readonly body: Json;
}

/** Whether a request with this method is sent with its body. */
export function hasBody(method: string): boolean {
  return method !== 'GET' && method !== 'DELETE';
}

/** Where the properties of an input belong. */
export interface Places {
  /** The path of the endpoint, in which `{id}` is the property `id`. */
  readonly path: string;
  /** The names of those in the query. */
  readonly query?: readonly string[];
  /** The names in the path that the body has, too; absent: none. */
  readonly both?: readonly string[];
}

/**
 * Takes the properties out of an input that belong into the path and the query (there, a list gives one for each item).
 * Pure.
 * @throws Error if the path is incomplete
 */
export function placeInput(input: JsonObject, { path, query: names = [], both = [] }: Places): PlacedInput {
  const query = new URLSearchParams();
  for (const name of names) {
    const value = own(input, name);
    for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined) add(query, name, one);
  }
  const elsewhere = new Set([...names, ...namesIn(path).filter((name) => !both.includes(name))]);
  const whole = own(input, wholeBody);
  return {
    path: filled(path, input),
    query: query.size === 0 ? '' : `?${query}`,
    body:
      whole !== undefined ? whole : Object.fromEntries(Object.entries(input).filter(([name]) => !elsewhere.has(name))),
  };
}

/** The names in braces of a path; FastAPI's `{file:path}` is `file`. Pure. */
export function namesIn(path: string): readonly string[] {
  return [...path.matchAll(/\{([^{}:]+)[^{}]*\}/g)].flatMap(([, name]) => (name === undefined ? [] : [name]));
}

function filled(path: string, input: JsonObject): string {
  const parts = path.split(/(\{[^{}]+\})/).map((part) => {
    const [name] = namesIn(part);
    if (name === undefined) return encodeURI(part);
    const value = own(input, name);
    if (value === undefined || value === null || value === '' || Array.isArray(value) || isObject(value)) {
      throw new Error(t('The request was not sent: set "{0}", which is a part of the path {1}.', name, path));
    }
    // A value of several segments keeps them.
    return textOf(value).split('/').map(encodeURIComponent).join('/');
  });
  return parts.join('');
}

function own(input: JsonObject, name: string): Json | undefined {
  return Object.hasOwn(input, name) ? input[name] : undefined;
}

/** FastAPI has no form for `null` in a query: left out, the parameter has its default. */
function add(query: URLSearchParams, name: string, value: Json): void {
  if (value !== null) query.append(name, textOf(value));
}

/** Without the quotes of a string. */
function textOf(value: Json): string {
  const text = exactText(value);
  return typeof value === 'string' && text.startsWith('"') ? value : text;
}

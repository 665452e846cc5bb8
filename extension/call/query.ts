import { exactText, type Json, type JsonObject } from './json.ts';

/** An input as it is sent. */
interface SplitInput {
  /** With its leading `?`; empty: there is none. */
  readonly query: string;
  readonly body: JsonObject;
}

/** Takes the properties out of an input that belong into the query; a list gives one for each item. Pure. */
export function splitQuery(input: JsonObject, names: readonly string[]): SplitInput {
  const query = new URLSearchParams();
  for (const name of names) {
    const value = Object.hasOwn(input, name) ? input[name] : undefined;
    for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined) add(query, name, one);
  }
  const body = Object.fromEntries(Object.entries(input).filter(([name]) => !names.includes(name)));
  return { query: query.size === 0 ? '' : `?${query}`, body };
}

/** FastAPI has no form for `null` in a query: left out, the parameter has its default. */
function add(query: URLSearchParams, name: string, value: Json): void {
  if (value === null) return;
  const text = exactText(value);
  query.append(name, typeof value === 'string' && text.startsWith('"') ? value : text);
}

import { setImmediate as nextTurn } from 'node:timers/promises';
import { JsonCheck, withoutMark } from '../local/json.ts';

/**
 * Maximum size of one result or of the input. It is parsed and serialized in one piece, and values take thirty times
 * the memory of their text.
 */
const maxBytes = 16 * 1024 * 1024;
/** Maximum number of values and keys (measured: up to 0.4 µs for each). */
const maxValues = 100_000;
/** Bytes processed in one turn of the event loop. */
const atOnce = 64 * 1024;

export type Read =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'no JSON' }
  /** The body may be JSON. `problem` is a message for the caller. */
  | { readonly kind: 'too much'; readonly problem: string };

/** Reads UTF-8 encoded JSON. The size is checked in small steps, and a body that is too large is never parsed. */
export async function readValue(body: Uint8Array): Promise<Read> {
  const bytes = withoutMark(body);
  if (bytes.length > maxBytes) return tooMuch(`${maxBytes} bytes`);
  if (bytes.length > atOnce) {
    const check = new JsonCheck();
    for (let at = 0; at < bytes.length; at += atOnce) {
      if (!check.push(bytes.subarray(at, at + atOnce))) return noJson;
      if (check.values > maxValues) return tooMuch(`${maxValues} values`);
      await nextTurn();
    }
  }
  try {
    return { kind: 'value', value: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) };
  } catch {
    return noJson;
  }
}

const noJson: Read = { kind: 'no JSON' };

function tooMuch(limit: string): Read {
  return { kind: 'too much', problem: `A workflow takes at most ${limit} of JSON at once; pass files by their URLs.` };
}

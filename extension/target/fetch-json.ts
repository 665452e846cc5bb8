import type * as z from 'zod';

/** Where an emulator answers, and the key of its data folder. */
export interface Address {
  /** `http://localhost:PORT`: clear text, because it never leaves this machine. */
  readonly address: string;
  readonly key: string;
}

const shortMs = 2_000;
const maxChars = 4 * 1024 * 1024;

/**
 * The answer to a question of our own (`/minifal/…`); `undefined`: there is none, or it isn't valid. By `fetch` alone:
 * a page in a browser can use it, too.
 */
export async function fetchJson<T>(
  { address, key }: Address,
  path: string,
  schema: z.ZodType<T>,
  timeoutMs = shortMs,
): Promise<T | undefined> {
  try {
    const response = await fetch(`${address}${path}`, {
      headers: { authorization: `Key ${key}` },
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (response.status !== 200 || !response.body) return undefined;
    let text = '';
    for await (const part of response.body.pipeThrough(new TextDecoderStream())) {
      text += part;
      if (text.length > maxChars) return undefined;
    }
    return schema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** Absent values are left out. */
export function queryOf(values: { readonly [name: string]: string | number | undefined }): string {
  const set = Object.entries(values).filter((entry): entry is [string, string | number] => entry[1] !== undefined);
  return new URLSearchParams(set.map(([name, value]): [string, string] => [name, String(value)])).toString();
}

import type { Writable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** The number of list items that are converted to text in one turn of the event loop. */
const atOnce = 50;

/**
 * Writes an object as JSON and ends `out`: in parts of its lists and no faster than its reader accepts them, so that a
 * long list doesn't block other work. Resolves early if the reader has disconnected.
 */
export async function sendInParts(out: Writable, object: { readonly [key: string]: unknown }): Promise<void> {
  for await (const text of partsOf(object)) {
    if (out.destroyed) return;
    if (!out.write(text)) await taken(out);
  }
  out.end();
}

function taken(out: Writable): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      out.off('drain', go).off('close', go);
      resolve();
    };
    out.on('drain', go).on('close', go);
  });
}

async function* partsOf(object: { readonly [key: string]: unknown }): AsyncGenerator<string> {
  let before = '{';
  for (const [key, value] of Object.entries(object)) {
    if (value === undefined) continue;
    const name = `${before}${JSON.stringify(key)}:`;
    before = ',';
    if (!Array.isArray(value) || value.length <= atOnce) {
      yield `${name}${JSON.stringify(value)}`;
      continue;
    }
    yield `${name}[`;
    for (let i = 0; i < value.length; i += atOnce) {
      const part = JSON.stringify(value.slice(i, i + atOnce)).slice(1, -1);
      yield i === 0 ? part : `,${part}`;
      await nextTurn();
    }
    yield ']';
  }
  yield before === '{' ? '{}' : '}';
}

import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { JsonCheck } from '../local/json.ts';

/** Operations on results of any size that don't block the event loop. */

/** Bytes processed without a pause (measured: 1 ms); several results may be processed concurrently. */
const atOnce = 64 * 1024;

/** Whether the bytes are valid UTF-8 encoded JSON. */
export async function isJson(bytes: Uint8Array): Promise<boolean> {
  const check = new JsonCheck();
  const decoder = new TextDecoder('utf-8', { fatal: true });
  try {
    for await (const part of inParts([bytes])) {
      if (!check.push(part)) return false;
      decoder.decode(part, { stream: true });
    }
    decoder.decode();
    return check.end();
  } catch {
    return false;
  }
}

/** Concatenates the pieces. */
export async function joined(pieces: readonly Uint8Array[]): Promise<Buffer> {
  const whole = Buffer.allocUnsafe(pieces.reduce((sum, { length }) => sum + length, 0));
  await fill(whole, pieces);
  return whole;
}

async function fill(whole: Uint8Array, pieces: readonly Uint8Array[]): Promise<void> {
  let at = 0;
  for await (const part of inParts(pieces)) {
    whole.set(part, at);
    at += part.length;
  }
}

/** SHA-256, hexadecimal. */
export async function sha256Of(bytes: Uint8Array): Promise<string> {
  const hash = createHash('sha256');
  for await (const part of inParts([bytes])) hash.update(part);
  return hash.digest('hex');
}

async function* inParts(pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) {
    for (let at = 0; at < piece.length; at += atOnce) {
      if (at > 0) await nextTurn();
      yield piece.subarray(at, at + atOnce);
    }
  }
}

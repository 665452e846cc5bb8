import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

/** What a result of any size needs, without holding anybody else up. */

/** More is looked at in a thread of its own, which costs 20 ms to begin (measured: 3 ms per MB to read JSON). */
const atOnce = 1024 ** 2;

/** Whether the bytes are JSON in UTF-8, also where it is larger than the memory that a thread may take. */
export async function isJson(bytes: Uint8Array): Promise<boolean> {
  if (bytes.length <= atOnce) return isSmallJson(bytes);
  // Shared, because what a thread is handed otherwise is copied in one go.
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
  await fill(shared, [bytes]);
  const worker = new Worker(programOfThread, { eval: true, workerData: shared });
  return await new Promise((resolve) => {
    worker
      .once('message', (is: boolean) => resolve(is))
      .once('error', () => resolve(false))
      .once('exit', () => resolve(false));
  });
}

function isSmallJson(bytes: Uint8Array): boolean {
  try {
    JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    return true;
  } catch {
    return false;
  }
}

const programOfThread = `
  const { parentPort, workerData } = require('node:worker_threads');
  parentPort.postMessage((${isSmallJson})(workerData.slice()));
`;

/** The pieces in one. */
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

import { createHash } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import type { Quota } from './quota.ts';
import { Refusal } from './refusal.ts';

export type Bytes = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

export interface Received {
  readonly file: string;
  readonly size: number;
  /** Hex MD5: storage services return it as the etag. */
  readonly md5: string;
}

/**
 * Writes a body into a new file, synced, without ever holding all of it in memory. Its bytes are reserved in the quota;
 * when this throws, they are released and the file is deleted.
 * @throws Refusal `full`, `too_large` above `maxBytes`
 */
export async function receive(
  source: Bytes,
  file: string,
  { quota, maxBytes = Number.POSITIVE_INFINITY }: { readonly quota: Quota; readonly maxBytes?: number },
): Promise<Received> {
  const hash = createHash('md5');
  let size = 0;
  const out = await open(file, 'wx', 0o600);
  try {
    try {
      for await (const chunk of source) {
        if (size + chunk.length > maxBytes)
          throw new Refusal('too_large', `The body is larger than ${maxBytes} bytes.`);
        quota.take(chunk.length);
        size += chunk.length;
        hash.update(chunk);
        await out.writeFile(chunk);
      }
      await out.sync();
    } finally {
      await out.close();
    }
  } catch (error) {
    quota.give(size);
    await rm(file, { force: true });
    throw asRefusal(error);
  }
  return { file, size, md5: hash.digest('hex') };
}

/** A full disk and a caller that left are not reported as bugs. */
export function asRefusal(error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOSPC' || code === 'EDQUOT') return new Refusal('full', 'The disk of this machine is full.');
  if (code === 'ABORT_ERR') return new Refusal('bad_request', 'The body took too long to arrive.');
  if (code === 'ECONNRESET') return new Refusal('bad_request', 'The body ended before it was complete.');
  return error;
}

import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';

/** Bytes that are kept on disk for a short time, in unnamed files, so that a crash leaves none behind. */
export interface Spool {
  open(): SpooledBytes;
}

export interface SpooledBytes {
  /**
   * Resolves to whether the spool stored the bytes, all or none; `false` when the spool or the disk is full. Never
   * rejects. Call it for one chunk at a time.
   */
  append(chunk: Buffer): Promise<boolean>;
  /** Everything that was stored. Throws when the disk fails. */
  chunks(): AsyncGenerator<Buffer>;
  /** Releases the room: now, or when the operation in progress has ended. */
  discard(): void;
}

const pieceBytes = 256 * 1024;

/** `folder` is created when it is first needed. `maxBytes` is the limit for all spools together. */
export function createSpool(folder: string, maxBytes: number): Spool {
  let used = 0;
  return {
    open() {
      let file: Promise<FileHandle> | undefined;
      let size = 0;
      let last: Promise<unknown> = Promise.resolve();
      let isDiscarded = false;
      const append = async (chunk: Buffer): Promise<boolean> => {
        if (isDiscarded || used + chunk.length > maxBytes) return false;
        const at = size;
        used += chunk.length;
        size += chunk.length;
        file ??= nameless(folder);
        try {
          const handle = await file;
          for (let done = 0; done < chunk.length; ) {
            done += (await handle.write(chunk, done, chunk.length - done, at + done)).bytesWritten;
          }
          return true;
        } catch {
          used -= chunk.length;
          size = at;
          return false;
        }
      };
      return {
        append(chunk) {
          const appended = append(chunk);
          last = appended;
          return appended;
        },
        async *chunks() {
          await last;
          const handle = size > 0 ? await file : undefined;
          for (let at = 0; handle && at < size; ) {
            const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(pieceBytes), 0, pieceBytes, at);
            if (bytesRead === 0) throw new Error('the held body ends early');
            at += bytesRead;
            yield buffer.subarray(0, bytesRead);
          }
        },
        discard() {
          if (isDiscarded) return;
          isDiscarded = true;
          void last.then(async () => {
            used -= size;
            await file?.then((handle) => handle.close()).catch(() => undefined);
          });
        },
      };
    },
  };
}

async function nameless(folder: string): Promise<FileHandle> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, randomUUID());
  const handle = await open(path, 'wx+', 0o600);
  await unlink(path);
  return handle;
}

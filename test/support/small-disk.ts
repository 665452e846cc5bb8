import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './process.ts';

/** A real file system of a few megabytes that can be filled up. */
export interface SmallDisk {
  readonly folder: string;
  /** Fills the disk. */
  fill(): void;
  /** Frees the space again. */
  free(): void;
  remove(): Promise<void>;
}

/** `undefined`: this user may not mount anything. */
export async function mountSmallDisk(mebibytes: number, option = 'exec'): Promise<SmallDisk | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'minifal-disk-'));
  const mounted = await run('mount', [
    '-t',
    'tmpfs',
    '-o',
    `size=${mebibytes}m,mode=700,${option}`,
    'tmpfs',
    folder,
  ]).catch(() => undefined);
  if (mounted?.code !== 0) {
    await rm(folder, { recursive: true });
    return undefined;
  }
  const ballast = join(folder, 'ballast');
  return {
    folder,
    fill() {
      const file = openSync(ballast, 'a');
      try {
        // Writes whole pages first, then the remaining bytes.
        for (const bytes of [1024 * 1024, 4096, 1]) writeUntilFull(file, Buffer.alloc(bytes));
      } finally {
        closeSync(file);
      }
    },
    free: () => rmSync(ballast, { force: true }),
    async remove() {
      await run('umount', ['--lazy', folder]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function writeUntilFull(file: number, chunk: Buffer): void {
  try {
    while (writeSync(file, chunk) === chunk.length);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}

import { mkdirSync, renameSync, statSync, utimesSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { bytesOnDisk } from './bytes.ts';
import { removeFolder } from './removal.ts';

const gib = 1024 ** 3;
/** The size limit of the compile caches of all environments together. Checked at a start, and by `minifal clean`. */
const defaultMaxBytes = 20 * gib;
/** The name prefix of a cache that is about to be removed. */
const removed = '.removed-';

/**
 * The compile cache of an environment, which outlives its runners: a folder per environment, named by its id.
 * `dataDir`: the data folder.
 */
export function compileCacheOf(dataDir: string, environmentId: string): string {
  return join(folderOf(dataDir), environmentId);
}

/** Records that a runner of the environment uses its cache now. `at`: milliseconds since the epoch. */
export function useCompileCache(dataDir: string, environmentId: string, at: number): void {
  const folder = compileCacheOf(dataDir, environmentId);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  utimesSync(folder, at / 1000, at / 1000);
}

/**
 * Removes the least recently used caches until the others take at most `maxBytes` together. Never removes a cache that
 * `isUsed`, which is called in the same turn in which the folder is renamed.
 *
 * @returns the number of freed bytes on the disk
 */
export async function trimCompileCaches(
  dataDir: string,
  isUsed: (environmentId: string) => boolean,
  { maxBytes = defaultMaxBytes, signal }: { readonly maxBytes?: number; readonly signal?: AbortSignal } = {},
): Promise<number> {
  const caches = (await readdir(folderOf(dataDir)).catch(() => [])).map((id) => ({ id, usedAt: usedAt(dataDir, id) }));
  caches.sort((a, b) => b.usedAt - a.usedAt);
  let kept = 0;
  let freed = 0;
  for (const { id } of caches) {
    if (signal?.aborted) break;
    const bytes = await bytesOnDisk(compileCacheOf(dataDir, id), signal);
    const isLeft = id.startsWith(removed);
    if (!isLeft && (kept + bytes <= maxBytes || isUsed(id))) kept += bytes;
    else if (!signal?.aborted) {
      await removeFolder(isLeft ? compileCacheOf(dataDir, id) : outOfTheWay(dataDir, id));
      freed += bytes;
    }
  }
  return freed;
}

function folderOf(dataDir: string): string {
  return join(dataDir, 'compile-caches');
}

function usedAt(dataDir: string, id: string): number {
  return statSync(compileCacheOf(dataDir, id), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** A runner that starts during the removal creates a new cache. @returns the cache's new path */
function outOfTheWay(dataDir: string, id: string): string {
  const target = compileCacheOf(dataDir, removed + id);
  renameSync(compileCacheOf(dataDir, id), target);
  return target;
}

import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { opendir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const maxOwnRemovals = 2_000;

/** Removals in progress, so that closing the engine can wait for them. */
export function createRemovals() {
  const running = new Set<Promise<unknown>>();
  /** Tracks a promise that never rejects. */
  function add<T>(work: Promise<T>): Promise<T> {
    const removal = work.finally(() => running.delete(removal));
    running.add(removal);
    return removal;
  }
  return {
    add,
    /** Never rejects. */
    remove: (path: string): Promise<void> => add(removeFolder(path)),
    /** Waits for them up to this time limit: the rest is left for the next emulator to remove. */
    async settled(patienceMs: number): Promise<void> {
      await Promise.race([Promise.all(running), sleep(patienceMs, undefined, { ref: false })]);
    },
  };
}

/** Removes the whole folder. Never rejects: what can't be removed is left until the next start of an emulator. */
export async function removeFolder(path: string): Promise<void> {
  if (await holdsMany(path).catch(() => true)) return removeByPrograms(path);
  // An app may have removed the permissions of its own folders.
  await rm(path, { recursive: true, force: true, maxRetries: 3 }).catch(() => removeByPrograms(path));
}

/** A removal by Node itself takes the process's memory and time: 4 s without a break for 100,000 files. */
async function holdsMany(path: string): Promise<boolean> {
  const folders = [path];
  let seen = 0;
  for (let next = folders.pop(); next !== undefined && seen < maxOwnRemovals; next = folders.pop()) {
    const here = next;
    const names = await opendir(here).catch(() => null);
    if (names === null) continue;
    for await (const entry of names) {
      if (++seen >= maxOwnRemovals) break;
      if (entry.isDirectory()) folders.push(join(here, entry.name));
    }
  }
  return seen >= maxOwnRemovals;
}

/** For folders with many files, for folders that are too deep for any path, and for files that root made immutable. */
async function removeByPrograms(path: string): Promise<void> {
  const script = 'rm -rf "$1" && exit; chattr -R -f -i -a "$1"; chmod -R u+rwx "$1"; exec rm -rf "$1"';
  await promisify(execFile)('sh', ['-c', `exec 2>/dev/null; ${script}`, 'sh', path]).catch(() => undefined);
}

/**
 * Removes the folders of runners of an earlier emulator, which was killed: those that are in `runnersDir` now, one
 * after the other in the background, until `signal` fires. Never rejects.
 */
export async function sweepFolders(runnersDir: string, keep: readonly string[], signal: AbortSignal): Promise<void> {
  const left = readdirSync(runnersDir).filter((name) => !keep.includes(name));
  for (const name of left) {
    if (signal.aborted) return;
    await removeFolder(join(runnersDir, name));
  }
}

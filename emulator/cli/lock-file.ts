import { createHash, randomBytes } from 'node:crypto';
import { closeSync, linkSync, openSync, readFileSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import * as z from 'zod';
import { isAlive, processIdentity, processStart } from '../local/data-folder.ts';
import { tryJson } from '../local/try-json.ts';

/** `use`: what the process does with the folder. Locks of earlier versions don't have it. */
const lockSchema = z.object({ ...processIdentity.shape, use: z.enum(['emulator', 'clean']).default('emulator') });
export type LockHolder = z.output<typeof lockSchema>;

/** The living process that holds the lock file; `undefined`: none does. */
export function lockHolder(file: string): LockHolder | undefined {
  try {
    return read(file)?.holder;
  } catch {
    return undefined; // it can't be read: the process that takes it gets the error
  }
}

/**
 * Takes the lock file for this process. The file appears whole or not at all, so that no process reads half a lock and
 * takes its owner for dead. When the owner is dead, exactly one process inherits the lock: the one that holds, in the
 * same way, a lock file named after the dead owner.
 * @returns `taken`; the pid of the process that holds it; or `busy`: another one is taking it at this moment
 * @throws the system's error
 */
export function takeLock(
  file: string,
  use: LockHolder['use'] = 'emulator',
): 'taken' | 'busy' | { readonly heldBy: number } {
  const own = `${file}.${randomBytes(6).toString('hex')}`;
  writeFileSync(own, JSON.stringify({ pid: process.pid, processStart: processStart(process.pid), use }), {
    mode: 0o600,
    flag: 'wx',
  });
  try {
    if (linked(own, file)) return 'taken';
    const found = read(file);
    if (found === undefined) return 'busy'; // released just now
    if (found.holder) return { heldBy: found.holder.pid };
    const claim = `${file}.heir-${createHash('sha256').update(found.content).digest('hex').slice(0, 12)}`;
    if (takeLock(claim, use) !== 'taken') return 'busy';
    try {
      // Between the first read and this claim another process may have inherited and released the lock.
      if (read(file)?.content !== found.content) return 'busy';
      renameSync(own, file);
      return 'taken';
    } finally {
      rmSync(claim, { force: true });
    }
  } finally {
    rmSync(own, { force: true });
  }
}

/**
 * Removes the lock, if this process still holds it: the folder may have been removed and recreated by another process.
 */
export function releaseLock(file: string): boolean {
  if (read(file)?.holder?.pid !== process.pid) return false;
  rmSync(file, { force: true });
  return true;
}

/** `undefined`: there is no lock. `holder`: the living process that holds it. @throws when the file can't be read */
function read(file: string): { readonly content: string; readonly holder: LockHolder | undefined } | undefined {
  let content: string;
  try {
    content = readFileSync(file, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  const holder = holderIn(content);
  return { content, holder: holder && isAlive(holder) ? holder : undefined };
}

function holderIn(content: string): LockHolder | undefined {
  return lockSchema.safeParse(tryJson(content)).data; // `undefined`: cut, or not ours
}

/** Gives the file its second name, if that name is free. */
function linked(own: string, file: string): boolean {
  try {
    linkSync(own, file);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    if (!['EPERM', 'ENOTSUP', 'ENOSYS', 'EMLINK'].includes(codeOf(error))) throw error;
  }
  // On a file system without hard links, half a lock is visible for a moment.
  try {
    const fd = openSync(file, 'wx', 0o600);
    writeSync(fd, readFileSync(own));
    closeSync(fd);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

import { createHash, randomBytes } from 'node:crypto';
import { closeSync, linkSync, openSync, readFileSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { isAlive, type ProcessIdentity, processIdentity, processStart } from '../local/data-folder.ts';

/**
 * Takes the lock file for this process. It appears whole or not at all, so that nobody reads half a lock and takes it
 * for a dead one. Of a dead process's lock one process alone becomes the heir: who holds a lock file of its own, named
 * after the dead one, in the same way.
 * @returns `taken`; the pid of the process that holds it; or `busy`: another one is taking it at this moment
 * @throws the system's error
 */
export function takeLock(file: string): 'taken' | 'busy' | { readonly heldBy: number } {
  const own = `${file}.${randomBytes(6).toString('hex')}`;
  writeFileSync(own, JSON.stringify({ pid: process.pid, processStart: processStart(process.pid) }), {
    mode: 0o600,
    flag: 'wx',
  });
  try {
    if (linked(own, file)) return 'taken';
    const found = read(file);
    if (found === undefined) return 'busy'; // released just now
    if (found.holder) return { heldBy: found.holder.pid };
    const claim = `${file}.heir-${createHash('sha256').update(found.content).digest('hex').slice(0, 12)}`;
    if (takeLock(claim) !== 'taken') return 'busy';
    try {
      // Between the look and the claim another heir may have come and gone.
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

/** Removes the lock, if it is still this process's: the folder may have been removed, and made again by another one. */
export function releaseLock(file: string): boolean {
  if (read(file)?.holder?.pid !== process.pid) return false;
  rmSync(file, { force: true });
  return true;
}

/** `undefined`: there is none. `holder`: the process that lives and has it. @throws when it can't be read */
function read(file: string): { readonly content: string; readonly holder: ProcessIdentity | undefined } | undefined {
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

function holderIn(content: string): ProcessIdentity | undefined {
  try {
    return processIdentity.safeParse(JSON.parse(content)).data;
  } catch {
    return undefined; // cut, or not ours
  }
}

/** Gives the file its second name, where that is free. */
function linked(own: string, file: string): boolean {
  try {
    linkSync(own, file);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    if (!['EPERM', 'ENOTSUP', 'ENOSYS', 'EMLINK'].includes(codeOf(error))) throw error;
  }
  // A file system without hard links: there for a moment half a lock can be seen.
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

import { existsSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { processStart, type RunningEmulator } from '../local/data-folder.ts';
import { asDiskTrouble } from '../local/disk-trouble.ts';
import { makeFolder } from '../local/make-folder.ts';
import { UserError } from '../wire/errors.ts';
import { type LockHolder, lockHolder, releaseLock, takeLock } from './lock-file.ts';

/** For the moment in which another start is taking the lock. */
const maxTries = 200;
const pauseMs = 10;

/** The first start creates these files, which shows that the folders below belong to an emulator. */
const ourFiles = ['minifal.db', 'logs.db', 'emulator.log', 'token.key', 'webhook-key.pem'];
/**
 * Folders from which an emulator removes files automatically: runners and builds of a killed one, unreferenced
 * contents.
 */
const cleanedFolders = [
  'agents',
  'app-files',
  'blobs',
  'environments',
  'runners',
  'storage',
  'tools',
  'waiting-bodies',
];

/**
 * Takes the folder for this process. Replaces a lock that a dead process left.
 * @returns the release, or the pid of the emulator that holds the folder
 */
export function lockFolder(
  folder: string,
  use: LockHolder['use'] = 'emulator',
): { release(): void } | { heldBy: number } {
  try {
    makeFolder(folder, 0o700);
  } catch (error) {
    refuseFull(error);
    throw new UserError(
      'DATA_FOLDER_UNUSABLE',
      `The data folder ${folder} cannot be created: ${(error as Error).message}.`,
      'Choose another folder with --data DIR.',
    );
  }
  refuseForeign(folder);
  const file = lockFile(folder);
  for (let tries = 0; tries < maxTries; tries++) {
    const lock = tryToTake(file, use);
    if (lock === 'taken') {
      return {
        release() {
          if (releaseLock(file)) rmSync(join(folder, 'emulator.json'), { force: true });
        },
      };
    }
    if (lock !== 'busy') return lock;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pauseMs);
  }
  throw new UserError(
    'DATA_FOLDER_UNUSABLE',
    `The lock file ${file} keeps changing.`,
    'Wait a moment and start again.',
  );
}

/** The process that has locked the folder: an emulator, which may still be starting, or `minifal clean`. */
export function folderHolder(folder: string): LockHolder | undefined {
  return lockHolder(lockFile(folder));
}

function lockFile(folder: string): string {
  return join(folder, 'emulator.lock');
}

/** Reports a full disk as such: another folder on the same disk would not help. */
function refuseFull(error: unknown): void {
  const disk = asDiskTrouble(error);
  if (disk?.code === 'DISK_FULL') throw disk;
}

/** A project's own `runners` or `environments` must not be mistaken for leftovers of a killed emulator. */
function refuseForeign(folder: string): void {
  if (ourFiles.some((name) => existsSync(join(folder, name)))) return;
  const foreign = cleanedFolders.find((name) => !isEmpty(join(folder, name)));
  if (foreign === undefined) return;
  throw new UserError(
    'DATA_FOLDER_FOREIGN',
    `${folder} is not a minifal data folder: it contains a folder ${foreign} of something else.`,
    'Choose an empty folder, or one that does not exist yet, with --data DIR.',
  );
}

function isEmpty(folder: string): boolean {
  try {
    return readdirSync(folder).length === 0;
  } catch {
    return true;
  }
}

function tryToTake(file: string, use: LockHolder['use']): ReturnType<typeof takeLock> {
  try {
    return takeLock(file, use);
  } catch (error) {
    refuseFull(error);
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EISDIR')
      throw new UserError(
        'DATA_FOLDER_UNUSABLE',
        `The lock file ${file} is a folder.`,
        'Remove it, or choose another folder with --data DIR.',
      );
    throw new UserError(
      'DATA_FOLDER_UNUSABLE',
      `The data folder ${dirname(file)} cannot be locked: ${message}.`,
      'Check that you can write to the folder, or choose another one with --data DIR.',
    );
  }
}

/** Publishes the ports once the emulator listens; atomic, readable by the owner only. */
export function publish(folder: string, ports: RunningEmulator['ports'], version: string): void {
  const content: RunningEmulator = {
    pid: process.pid,
    processStart: processStart(process.pid),
    version,
    startedAt: Date.now(),
    ports,
  };
  const file = join(folder, 'emulator.json');
  writeFileSync(`${file}.new`, `${JSON.stringify(content)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

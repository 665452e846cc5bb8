import { randomBytes } from 'node:crypto';
import { closeSync, openSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive, processIdentity, processStart, type RunningEmulator, readJson } from '../wire/data-folder.ts';
import { UserError } from '../wire/errors.ts';
import { makeFolder } from '../wire/make-folder.ts';

/**
 * Takes the folder for this process. A lock that a dead process left is replaced.
 * @returns the release, or the pid of the emulator that holds the folder
 */
export function lockFolder(folder: string): { release(): void } | { heldBy: number } {
  try {
    makeFolder(folder, 0o700);
  } catch (error) {
    throw new UserError(
      `The data folder ${folder} cannot be made: ${(error as Error).message}.`,
      'Choose another one with --data DIR.',
    );
  }
  const file = join(folder, 'emulator.lock');
  for (let tries = 0; tries < 3; tries++) {
    try {
      const fd = openSync(file, 'wx', 0o600);
      writeSync(fd, JSON.stringify({ pid: process.pid, processStart: processStart(process.pid) }));
      closeSync(fd);
      return {
        release() {
          rmSync(join(folder, 'emulator.json'), { force: true });
          rmSync(file, { force: true });
        },
      };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
        throw new UserError(
          `The data folder ${folder} cannot be written: ${(error as Error).message}.`,
          'Choose another one with --data DIR.',
        );
      }
    }
    const holder = readJson(file, processIdentity);
    if (holder && isAlive(holder)) return { heldBy: holder.pid };
    // A unique name, so that of two processes that both saw the stale lock only one moves it.
    const stale = `${file}.${randomBytes(4).toString('hex')}`;
    try {
      renameSync(file, stale);
    } catch {
      // the other one was faster
    }
    rmSync(stale, { force: true });
  }
  throw new UserError(`The lock file ${file} keeps changing.`, 'Wait a moment and start again.');
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

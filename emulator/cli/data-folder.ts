import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { UserError } from '../wire/errors.ts';

/** What the data folder says of the emulator that uses it. */
const running = z.object({
  pid: z.int().positive(),
  /** Distinguishes a process from a later one with the same pid. */
  processStart: z.string(),
  version: z.string(),
  startedAt: z.number(),
  ports: z.object({ api: z.int(), run: z.int(), queue: z.int(), ws: z.int() }),
});
export type RunningEmulator = z.infer<typeof running>;

const lockContent = z.object({ pid: z.int().positive(), processStart: z.string() });

/** `--data`, else MINIFAL_DATA, else `~/.minifal`. */
export function dataFolder(option: string | undefined): string {
  return resolve(option ?? process.env.MINIFAL_DATA ?? join(homedir(), '.minifal'));
}

/** The emulator that runs on this folder now; `undefined`: none (what a killed one left behind counts as none). */
export function findRunning(folder: string): RunningEmulator | undefined {
  const found = readJson(join(folder, 'emulator.json'), running);
  return found && isAlive(found) ? found : undefined;
}

/**
 * Takes the folder for this process. A lock that a dead process left is replaced.
 * @returns the release, or the pid of the emulator that holds the folder
 */
export function lockFolder(folder: string): { release(): void } | { heldBy: number } {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
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
    const holder = readJson(file, lockContent);
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

/** The local account's key `id:secret`; `undefined` before the first start. */
export function readLocalKey(folder: string): string | undefined {
  const file = join(folder, 'key');
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined;
}

function isAlive(holder: { readonly pid: number; readonly processStart: string }): boolean {
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  return processStart(holder.pid) === holder.processStart;
}

/** Start time of a process in clock ticks since boot (field 22 of its stat file); empty where there is no /proc. */
function processStart(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}

function readJson<T>(file: string, schema: z.ZodType<T>): T | undefined {
  try {
    return schema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return undefined; // absent, or half written by a process that died: as good as absent
  }
}

import { setTimeout as sleep } from 'node:timers/promises';
import { findRunning, type RunningEmulator } from '../local/data-folder.ts';
import { UserError } from '../wire/errors.ts';
import { lockFolder } from './data-folder.ts';
import type { CliOptions } from './line/options.ts';
import { say } from './print.ts';

const lookEveryMs = 100;
const patienceMs = 60_000;

type Lock = Extract<ReturnType<typeof lockFolder>, { release(): void }>;

/**
 * Takes the folder for this process, or finds the emulator that uses it. While another emulator starts there, says so
 * and waits until it runs (or has ended, which frees the folder).
 * @throws UserError when that takes more than a minute
 */
export async function takeOrFind(folder: string): Promise<Lock | { readonly runs: RunningEmulator }> {
  const deadline = performance.now() + patienceMs;
  for (let first = true; ; first = false) {
    const lock = lockFolder(folder);
    if (!('heldBy' in lock)) return lock;
    const runs = findRunning(folder);
    if (runs) return { runs };
    const it = `minifal is starting already on ${folder} (pid ${lock.heldBy})`;
    if (first) say(`${it}; where it can be reached follows.`);
    if (performance.now() > deadline)
      throw new UserError(
        'START_TIMED_OUT',
        `${it}, and has not come up for a minute.`,
        'Its own terminal or log says what it waits for.',
      );
    await sleep(lookEveryMs);
  }
}

/** Says where it runs, and which options of this call have no effect. */
export function sayThatItRuns(folder: string, { pid, ports }: RunningEmulator, options: CliOptions): void {
  say(`minifal already runs on ${folder} (pid ${pid}): api on localhost:${ports.api}.`);
  if (options.allowedOrigins.length > 0)
    say('Its allowed origins stay as they are; `minifal stop` it first to change them.');
  if (options.retentionDays !== undefined)
    say('It keeps results as long as before; `minifal stop` it first to change that.');
  if (options.maxRunners !== undefined)
    say('It has room for as many runners as before; `minifal stop` it first to change that.');
  if (options.gpuSlots !== undefined)
    say('It has as many GPU slots as before; `minifal stop` it first to change that.');
  if (options.isolation !== undefined)
    say('Its runners stay as isolated as before; `minifal stop` it first to change that.');
  if (options.shared.length > 0 || options.huggingFace !== undefined)
    say('It shares what it shared before; `minifal stop` it first to change that.');
  if (options.allowOutside)
    say('Its runners may listen where they could before; `minifal stop` it first to change that.');
  if (options.timeScale !== 1) say('Its time scale stays as it is; `minifal stop` it first to change it.');
}

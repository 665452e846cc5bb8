import { setTimeout as sleep } from 'node:timers/promises';
import { findRunning, type RunningEmulator } from '../local/data-folder.ts';
import { UserError } from '../wire/errors.ts';
import { lockFolder } from './data-folder.ts';
import type { CliOptions } from './line/options.ts';
import { printLine } from './print.ts';

const pollMs = 100;
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
    const it = `minifal is already starting with the data folder ${folder} (pid ${lock.heldBy})`;
    if (first) printLine(`${it}. Waiting until it is ready.`);
    if (performance.now() > deadline)
      throw new UserError(
        'START_TIMED_OUT',
        `${it} and has not become ready within a minute.`,
        'Check its terminal or its log for the cause.',
      );
    await sleep(pollMs);
  }
}

/** Says where it runs, and which options of this call have no effect. */
export function reportRunning(folder: string, { pid, ports }: RunningEmulator, options: CliOptions): void {
  printLine(`minifal is already running with the data folder ${folder} (pid ${pid}): api on localhost:${ports.api}.`);
  if (options.allowedOrigins.length > 0)
    printLine('--allow-origin has no effect on a running emulator; run `minifal stop` first.');
  if (options.retentionDays !== undefined)
    printLine('--retention-days has no effect on a running emulator; run `minifal stop` first.');
  if (options.maxRunners !== undefined)
    printLine('--max-runners has no effect on a running emulator; run `minifal stop` first.');
  if (options.gpuSlots !== undefined)
    printLine('--gpu-slots has no effect on a running emulator; run `minifal stop` first.');
  if (options.gpuSharing) printLine('--gpu-sharing has no effect on a running emulator; run `minifal stop` first.');
  if (options.gpuMapping !== undefined)
    printLine('--gpu-mapping has no effect on a running emulator; run `minifal stop` first.');
  if (options.gpus !== undefined) printLine('--gpus has no effect on a running emulator; run `minifal stop` first.');
  if (options.machineLimits !== undefined)
    printLine('--machine-limits has no effect on a running emulator; run `minifal stop` first.');
  if (options.isolation !== undefined)
    printLine('--isolation has no effect on a running emulator; run `minifal stop` first.');
  if (options.shared.length > 0 || options.huggingFace !== undefined)
    printLine('--share and --hugging-face have no effect on a running emulator; run `minifal stop` first.');
  if (options.allowOutside) printLine('--allow-outside has no effect on a running emulator; run `minifal stop` first.');
  if (options.timeScale !== 1) printLine('--time-scale has no effect on a running emulator; run `minifal stop` first.');
}

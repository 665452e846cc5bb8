import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Cancelled, Problem } from '../problem.ts';
import { findRunning, makeFolder, type RunningEmulator } from '../target/data-folder.ts';
import { failureIn } from '../target/error-codes.ts';
import type { KeychainOrder } from '../target/secret-file.ts';
import { t } from '../words.ts';
import { childEnv } from './child-env.ts';
import { diagnose, lastLine, noSpace, problemOfFailure } from './diagnose.ts';
import type { NodeProgram } from './node.ts';

export interface StartOptions {
  readonly node: NodeProgram;
  /** `dist/minifal.mjs`. */
  readonly bundle: string;
  readonly folder: string;
  /** The arguments of `minifal start` for the user's settings. */
  readonly settings: readonly string[];
  /** Passed only through a pipe, because it contains a key. */
  readonly keychain?: KeychainOrder;
  /** Cancels the start and ends the process. */
  readonly signal: AbortSignal;
  readonly timeoutMs?: number;
}

const lookEveryMs = 40;
const fullBelowBytes = 1024 * 1024;
const graceMs = 5_000;

/** The output of the process. A file, not a pipe, because the process may outlive the window that started it. */
export function outputFile(folder: string): string {
  return join(folder, 'emulator.out');
}

/**
 * Starts the emulator as a process of its own, in its own process group, and waits until it listens.
 * @returns the emulator, and whether this call made it: another window or terminal may have been faster
 * @throws Problem (port taken, no space, …), Cancelled
 */
export async function startEmulator(options: StartOptions): Promise<{ running: RunningEmulator; isOurs: boolean }> {
  const { node, bundle, folder, settings, keychain, signal, timeoutMs = 60_000 } = options;
  const output = openOutput(folder);
  const args = ['start', '--json', '--data', folder, ...settings, ...(keychain ? ['--keychain'] : [])];
  const child = spawn(node.command, [bundle, ...args], {
    cwd: folder,
    env: { ...childEnv(process.env), ...node.env },
    detached: true,
    stdio: [keychain ? 'pipe' : 'ignore', output, output],
  });
  closeSync(output);
  if (keychain) {
    // A process that exits immediately (because an emulator is already running) doesn't read its input.
    child.stdin?.on('error', () => {});
    child.stdin?.end(JSON.stringify(keychain));
  }
  const failed = new Promise<never>((_resolve, reject) => {
    child.once('error', (error) =>
      reject(new Problem(t('Node could not be started: {0}.', error.message), 'howToInstallNode')),
    );
  });
  failed.catch(() => {}); // awaited below, or never
  const ended = () => child.exitCode !== null || child.signalCode !== null;

  const deadline = Date.now() + timeoutMs;
  try {
    for (;;) {
      const running = findRunning(folder);
      if (running) {
        child.unref();
        return { running, isOurs: running.pid === child.pid };
      }
      if (signal.aborted) throw new Cancelled();
      // Code 0: an emulator is already running on this folder, and is found once it listens.
      if (ended() && child.exitCode !== 0) throw problemOf(folder);
      if (Date.now() > deadline) throw new Problem(t('The emulator did not start in time.'));
      await Promise.race([sleep(lookEveryMs), failed]);
    }
  } catch (error) {
    if (!ended() && child.pid !== undefined) {
      child.kill('SIGTERM');
      await Promise.race([once(child, 'exit'), sleep(graceMs)]);
      if (!ended()) child.kill('SIGKILL');
    }
    throw error;
  }
}

function openOutput(folder: string): number {
  try {
    makeFolder(folder, 0o700);
    return openSync(outputFile(folder), 'w', 0o600);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw diagnose(message) ?? new Problem(t('Cannot write to the data folder {0}.', folder), 'chooseDataFolder');
  }
}

/** Whether the disk is full, in which case the emulator couldn't write its error either. */
function isFull(folder: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize < fullBelowBytes;
  } catch {
    return false;
  }
}

function problemOf(folder: string): Problem {
  let output = '';
  try {
    output = readFileSync(outputFile(folder), 'utf8');
  } catch {
    // nothing was written
  }
  const failure = failureIn(output);
  if (failure) return problemOfFailure(failure);
  // The output file is on the same disk, so it may be empty or end in the middle of a line.
  if (isFull(folder)) return noSpace();
  const reason = lastLine(output);
  return (
    diagnose(output) ??
    new Problem(reason ? t('The emulator did not start: {0}', reason) : t('The emulator did not start.'))
  );
}

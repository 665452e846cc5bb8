import { setTimeout as sleep } from 'node:timers/promises';
import * as vscode from 'vscode';
import { withVisibleProgress } from '../present.ts';
import { Problem, untrusted } from '../problem.ts';
import { findRunning, isAlive, type RunningEmulator } from '../target/data-folder.ts';
import { moveKeyAside, sealedKeyOf } from '../target/secret-file.ts';
import { t } from '../words.ts';
import { createStart, type StartDeps } from './start-emulator.ts';

/** Requests and runners have 5 s each to end, and containers some more. */
const stopTimeoutMs = 30_000;
/** An emulator notices within a second that its folder is gone. */
const goneTimeoutMs = 10_000;

/** Starts and stops the emulator, as commands and as steps of other commands. */
export function createEmulatorCommands(deps: StartDeps) {
  const { link, keychain, present, log } = deps;
  const start = createStart(deps);
  let begun: Promise<void> | undefined;

  /** Resolves when an emulator answers, whether or not this window started it. @throws Problem, Cancelled */
  async function ensureRunning(): Promise<void> {
    if (!vscode.workspace.isTrusted) throw untrusted();
    await untilUsable();
    if (link.snapshot().state === 'running') return;
    begun ??= start().finally(() => {
      begun = undefined;
    });
    await begun;
  }

  /**
   * Believes the process and its folder, not the last state: an emulator whose data folder was deleted still answers
   * for a moment, and then ends.
   * @throws Problem if it doesn't end
   */
  async function untilUsable(): Promise<void> {
    const { state, running } = link.snapshot();
    if (state !== 'running' || findRunning(link.folder)?.pid === running?.pid) return;
    await link
      .until((now) => now.running?.pid !== running?.pid, AbortSignal.timeout(goneTimeoutMs))
      .catch(() => {
        throw new Problem(t('The data folder of the running emulator was deleted or replaced.'), 'stopEmulator');
      });
  }

  async function stop({ restarts = false } = {}): Promise<boolean> {
    const running = link.snapshot().running ?? findRunning(link.folder);
    if (!running || !isAlive(running)) {
      void vscode.window.setStatusBarMessage(t('No fal emulator is running.'), 5_000);
      return false;
    }
    link.stopping(restarts);
    log.info(`[extension] stopping the emulator (process ${running.pid})`);
    const title = t('Stopping the fal emulator');
    if (await withVisibleProgress(title, () => end(running, 'SIGTERM'))) return true;
    const force = t('Force Stop');
    const detail = t(
      'Its queue is safe on the disk. Requests that are being processed run again after the next start.',
    );
    const what = t('The emulator has not stopped yet.');
    const chosen = await vscode.window.showWarningMessage(what, { modal: true, detail }, force, t('Show Log'));
    if (chosen === t('Show Log')) log.show();
    // It may have stopped while the question was on the screen.
    return !isAlive(running) || (chosen === force && (await end(running, 'SIGKILL')));
  }

  async function startOrReport(): Promise<boolean> {
    try {
      await ensureRunning();
      return true;
    } catch (error) {
      present.problem(error);
      return false;
    }
  }

  /** After a stop: the link notices it slightly later than this code does. */
  async function startAgain(): Promise<boolean> {
    await link.until(({ state }) => state !== 'running', AbortSignal.timeout(stopTimeoutMs)).catch(() => undefined);
    return startOrReport();
  }

  async function resetSecrets(): Promise<boolean> {
    if (!vscode.workspace.isTrusted) {
      present.problem(untrusted());
      return false;
    }
    if (!sealedKeyOf(link.folder)) {
      void vscode.window.setStatusBarMessage(t('No fal secrets are sealed.'), 5_000);
      return false;
    }
    const reset = t('Reset');
    const detail = t(
      'The file with their key is renamed, and the keychain is not changed, so the secrets can be recovered when ' +
        'the keychain is available again. Until then, set each secret again. The emulator restarts.',
    );
    const what = t('Reset the sealed secrets?');
    if ((await vscode.window.showWarningMessage(what, { modal: true, detail }, reset)) !== reset) return false;
    if (findRunning(link.folder) && !(await stop({ restarts: true }))) return false;
    log.info(`[secrets] the sealed key was moved to ${moveKeyAside(link.folder, new Date())}`);
    await keychain.reset();
    return startAgain();
  }

  return {
    ensureRunning,
    /** `true`: an emulator is running. */
    start: startOrReport,
    /** `true`: the restarted emulator is running. */
    restart: async (): Promise<boolean> => (await stop({ restarts: true })) && startAgain(),
    /** `true`: secrets can be set again. */
    resetSecrets,
    /** `false`: none ran, or it didn't stop. */
    stop: () => stop(),
  };
}

export type EmulatorCommands = ReturnType<typeof createEmulatorCommands>;

async function end(running: RunningEmulator, signal: NodeJS.Signals): Promise<boolean> {
  const deadline = Date.now() + stopTimeoutMs;
  try {
    process.kill(running.pid, signal);
  } catch {
    return true; // it had ended
  }
  while (isAlive(running)) {
    if (Date.now() > deadline) return false;
    await sleep(50);
  }
  return true;
}

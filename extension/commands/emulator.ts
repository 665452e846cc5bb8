import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as vscode from 'vscode';
import { type Presenter, type SettingsCheck, signalOf } from '../present.ts';
import { Cancelled, Problem, untrusted } from '../problem.ts';
import type { Keychain } from '../process/keychain.ts';
import { execProgram, findNode, type NodeProgram } from '../process/node.ts';
import { startEmulator } from '../process/start.ts';
import type { Windows } from '../process/windows.ts';
import { readSettings } from '../settings.ts';
import { findRunning, isAlive, type RunningEmulator } from '../target/data-folder.ts';
import type { Link } from '../target/link.ts';
import { sealedKeyOf, setKeyAside } from '../target/secret-file.ts';

/** What `minifal stop` waits, too. */
const stopPatienceMs = 15_000;
const answerPatienceMs = 30_000;

const sealedFromHere =
  "The fal secrets are sealed, and this editor's keychain does not have their key. Apps that get secrets don't start.";

/** Start and stop, as commands and as a step of other commands. */
export function createEmulatorCommands(deps: {
  readonly link: Link;
  readonly windows: Windows;
  readonly keychain: Keychain;
  readonly extensionPath: string;
  readonly present: Presenter;
  readonly checkSettings: SettingsCheck;
  readonly log: vscode.LogOutputChannel;
}) {
  const { link, windows, keychain, present, checkSettings, log } = deps;
  let node: Promise<NodeProgram> | undefined;
  let begun: Promise<void> | undefined;

  /** Resolves when an emulator answers, no matter who started it. @throws Problem, Cancelled */
  async function ensureRunning(): Promise<void> {
    if (!vscode.workspace.isTrusted) throw untrusted();
    if (link.snapshot().state === 'running') return;
    begun ??= start().finally(() => {
      begun = undefined;
    });
    await begun;
  }

  async function start(): Promise<void> {
    const options = {
      location: vscode.ProgressLocation.Notification,
      title: 'Starting the fal emulator',
      cancellable: true,
    };
    const attempt = link.starting();
    try {
      await vscode.window.withProgress(options, (_progress, token) => bringUp(signalOf(token)));
      attempt.settled();
    } catch (error) {
      attempt.settled(error instanceof Problem ? error.message : undefined);
      throw error;
    }
  }

  async function bringUp(signal: AbortSignal): Promise<void> {
    node ??= findNode({ execPath: process.execPath, env: process.env, exec: execProgram });
    // A Node that was installed meanwhile is found by the next try.
    const program = await node.catch((error) => {
      node = undefined;
      throw error;
    });
    const { folder } = link;
    const bundle = join(deps.extensionPath, 'dist', 'minifal.mjs');
    log.info(`[extension] starting the emulator on ${folder} with ${program.command}`);
    checkSettings();
    const settings = readSettings();
    const asked = keychain.order({
      sealed: sealedKeyOf(folder),
      setting: settings.sealSecrets,
      log: (sentence) => log.info(`[secrets] ${sentence}`),
    });
    // The desktop may be asking for its keyring's password, and the person may not want that.
    const order = await Promise.race([asked, aborted(signal)]);
    const { running, isOurs } = await startEmulator({
      ...settings,
      node: program,
      bundle,
      folder,
      ...(order ? { keychain: order } : {}),
      signal,
    });
    if (isOurs) windows.claim(running);
    const patience = AbortSignal.any([signal, AbortSignal.timeout(answerPatienceMs)]);
    const { state, why, status } = await link
      .until(({ state }) => state === 'running' || state === 'failed', patience)
      .catch(() => {
        if (signal.aborted) throw new Cancelled();
        throw new Problem('The emulator came up but does not answer.', 'stopEmulator');
      });
    if (state === 'failed') throw new Problem(why ?? 'The emulator does not answer.', 'stopEmulator');
    if (isOurs && status?.secrets === 'sealed') present.problem(new Problem(sealedFromHere, 'setSecretsAside'));
  }

  async function stop(): Promise<boolean> {
    const running = link.snapshot().running ?? findRunning(link.folder);
    if (!running || !isAlive(running)) {
      void vscode.window.setStatusBarMessage('No fal emulator runs.', 5_000);
      return false;
    }
    link.stopping();
    log.info(`[extension] stopping the emulator (process ${running.pid})`);
    const options = { location: { viewId: 'minifal.apps' }, title: 'Stopping the fal emulator' };
    if (await vscode.window.withProgress(options, () => end(running, 'SIGTERM'))) return true;
    const force = 'Force Stop';
    const chosen = await vscode.window.showWarningMessage('The emulator has not stopped yet.', force, 'Show Log');
    if (chosen === 'Show Log') log.show();
    return chosen === force && (await end(running, 'SIGKILL'));
  }

  async function startAndTell(): Promise<boolean> {
    try {
      await ensureRunning();
      return true;
    } catch (error) {
      present.problem(error);
      return false;
    }
  }

  /** After a stop, of which the link hears a little later than we do. */
  async function startAgain(): Promise<boolean> {
    await link.until(({ state }) => state !== 'running', AbortSignal.timeout(stopPatienceMs)).catch(() => undefined);
    return startAndTell();
  }

  async function setSecretsAside(): Promise<boolean> {
    if (!vscode.workspace.isTrusted) {
      present.problem(untrusted());
      return false;
    }
    if (!sealedKeyOf(link.folder)) {
      void vscode.window.setStatusBarMessage('No fal secrets are sealed.', 5_000);
      return false;
    }
    const act = 'Set Aside';
    const detail =
      'Their key moves to a file next to it, and nothing in the keychain is replaced, so they can come back ' +
      'when the keychain does. Until then each secret has to be set again. The emulator is restarted.';
    const what = 'Set the sealed secrets aside?';
    if ((await vscode.window.showWarningMessage(what, { modal: true, detail }, act)) !== act) return false;
    if (findRunning(link.folder) && !(await stop())) return false;
    log.info(`[secrets] the sealed key was moved to ${setKeyAside(link.folder, new Date())}`);
    await keychain.startAnew();
    return startAgain();
  }

  return {
    ensureRunning,
    /** `true`: an emulator runs. */
    start: startAndTell,
    /** `true`: another one runs. */
    restart: async (): Promise<boolean> => (await stop()) && startAgain(),
    /** `true`: secrets can be set again. */
    setSecretsAside,
    /** `false`: none ran, or it didn't stop. */
    stop,
  };
}

export type EmulatorCommands = ReturnType<typeof createEmulatorCommands>;

/** Rejects when the signal fires. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const reasoned = () => reject(signal.reason);
    if (signal.aborted) reasoned();
    else signal.addEventListener('abort', reasoned, { once: true });
  });
}

async function end(running: RunningEmulator, signal: NodeJS.Signals): Promise<boolean> {
  const deadline = Date.now() + stopPatienceMs;
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

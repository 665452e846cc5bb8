import { join } from 'node:path';
import * as vscode from 'vscode';
import { startArguments } from '../checked-settings.ts';
import { type Presenter, type SettingsCheck, signalOf } from '../present.ts';
import { Cancelled, Problem } from '../problem.ts';
import type { Keychain } from '../process/keychain.ts';
import { execProgram, findNode, type NodeProgram } from '../process/node.ts';
import { startEmulator } from '../process/start.ts';
import type { Windows } from '../process/windows.ts';
import { readSettings } from '../settings.ts';
import type { Link } from '../target/link.ts';
import { sealedKeyOf } from '../target/secret-file.ts';
import { t } from '../words.ts';

const answerTimeoutMs = 30_000;

const keyMissing = () =>
  t(
    "The fal secrets are sealed, and this editor's keychain does not have their key. " +
      "Apps that use secrets can't start.",
  );

export interface StartDeps {
  readonly link: Link;
  readonly windows: Windows;
  readonly keychain: Keychain;
  readonly extensionPath: string;
  readonly present: Presenter;
  readonly checkSettings: SettingsCheck;
  readonly log: vscode.LogOutputChannel;
}

/** Starts the emulator and shows the progress; resolves when it answers. @throws Problem, Cancelled */
export function createStart(deps: StartDeps): () => Promise<void> {
  const { link, windows, keychain, present, checkSettings, log } = deps;
  let node: Promise<NodeProgram> | undefined;

  async function start(): Promise<void> {
    const options = {
      location: vscode.ProgressLocation.Notification,
      title: t('Starting the fal emulator'),
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
    // The next attempt finds a Node that was installed in the meantime.
    const program = await node.catch((error) => {
      node = undefined;
      throw error;
    });
    const { folder } = link;
    const bundle = join(deps.extensionPath, 'dist', 'minifal.mjs');
    log.info(`[extension] starting the emulator with ${program.command}, data folder ${folder}`);
    checkSettings();
    const settings = readSettings();
    const asked = keychain.order({
      sealed: sealedKeyOf(folder),
      setting: settings.sealSecrets,
      log: (sentence) => log.info(`[secrets] ${sentence}`),
    });
    // The desktop may be prompting for the keyring's password, and the user may want to cancel.
    const order = await Promise.race([asked, aborted(signal)]);
    const { running, isOurs } = await startEmulator({
      node: program,
      bundle,
      folder,
      settings: startArguments(settings),
      ...(order ? { keychain: order } : {}),
      signal,
    });
    if (isOurs) windows.claim(running);
    const timeout = AbortSignal.any([signal, AbortSignal.timeout(answerTimeoutMs)]);
    const { state, why, live } = await link
      .until(({ state }) => state === 'running' || state === 'failed', timeout)
      .catch(() => {
        if (signal.aborted) throw new Cancelled();
        throw new Problem(t('The emulator started but does not respond.'), 'stopEmulator');
      });
    if (state === 'failed') throw new Problem(why ?? t('The emulator does not respond.'), 'stopEmulator');
    if (isOurs && live?.head.secrets === 'sealed') present.problem(new Problem(keyMissing(), 'resetSecrets'));
  }

  return start;
}

/** Rejects when the signal is aborted. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const reasoned = () => reject(signal.reason);
    if (signal.aborted) reasoned();
    else signal.addEventListener('abort', reasoned, { once: true });
  });
}

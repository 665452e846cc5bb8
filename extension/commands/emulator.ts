import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as vscode from 'vscode';
import { type Presenter, signalOf } from '../present.ts';
import { Cancelled, Problem } from '../problem.ts';
import { execProgram, findNode, type NodeProgram } from '../process/node.ts';
import { startEmulator } from '../process/start.ts';
import type { Windows } from '../process/windows.ts';
import { readSettings } from '../settings.ts';
import { findRunning, isAlive, type RunningEmulator } from '../target/data-folder.ts';
import type { Link } from '../target/link.ts';

/** What `minifal stop` waits, too. */
const stopPatienceMs = 15_000;
const answerPatienceMs = 30_000;

/** Start and stop, as commands and as a step of other commands. */
export function createEmulatorCommands(deps: {
  readonly link: Link;
  readonly windows: Windows;
  readonly extensionPath: string;
  readonly present: Presenter;
  readonly log: vscode.LogOutputChannel;
}) {
  const { link, windows, present, log } = deps;
  let node: Promise<NodeProgram> | undefined;
  let begun: Promise<void> | undefined;

  /** Resolves when an emulator answers, whoever started it. @throws Problem, Cancelled */
  async function ensureRunning(): Promise<void> {
    if (!vscode.workspace.isTrusted) throw new Problem('Nothing runs in a folder before it is trusted.', 'trustFolder');
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
    const { running, isOurs } = await startEmulator({
      node: program,
      bundle,
      folder,
      port: readSettings().port,
      signal,
    });
    if (isOurs) windows.claim(running);
    const patience = AbortSignal.any([signal, AbortSignal.timeout(answerPatienceMs)]);
    const { state, why } = await link
      .until(({ state }) => state === 'running' || state === 'failed', patience)
      .catch(() => {
        if (signal.aborted) throw new Cancelled();
        throw new Problem('The emulator came up but does not answer.', 'stopEmulator');
      });
    if (state === 'failed') throw new Problem(why ?? 'The emulator does not answer.', 'stopEmulator');
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

  return {
    ensureRunning,
    /** `true`: an emulator runs. */
    async start(): Promise<boolean> {
      try {
        await ensureRunning();
        return true;
      } catch (error) {
        present.problem(error);
        return false;
      }
    },
    /** `false`: none ran, or it didn't stop. */
    stop,
  };
}

export type EmulatorCommands = ReturnType<typeof createEmulatorCommands>;

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

import * as vscode from 'vscode';
import { debugType } from '../contributes/debuggers.ts';
import { askDebugTools, connectRunner } from '../target/debug.ts';
import type { Link } from '../target/link.ts';
import type { RunnerRow } from '../target/live.ts';
import { t } from '../words.ts';
import { startAdapter } from './adapter-process.ts';
import type { DebugPaths } from './paths.ts';
import { createRunnerAdapter, type RunnerAdapter } from './runner-adapter.ts';

/** Debug sessions of single runners. */
export interface Attaching {
  /**
   * Starts a session for a runner, once the runner has connected: then nothing can be too early or too late.
   * @throws errors with a sentence, the signal's reason
   */
  attach(
    runner: RunnerRow,
    report: (step: string) => void,
    signal: AbortSignal,
    parent?: vscode.DebugSession,
  ): Promise<void>;
  /** The adapter of a session whose runner has connected, or connects now. @throws errors with a sentence */
  adapterOf(runner: string): Promise<RunnerAdapter>;
  /** Lets these runners continue without a debugger. */
  leave(runners: Iterable<string>): void;
  close(): void;
}

export function createAttaching({
  folder,
  pathsOf,
}: Pick<Link, 'folder'> & {
  /** Where the code of a runner is. */
  readonly pathsOf: (runner: string) => DebugPaths;
}): Attaching {
  /** By the id of their runner. */
  const adapters = new Map<string, RunnerAdapter>();
  const ready = new Map<string, RunnerAdapter>();

  async function connect(runner: string, report: (step: string) => void, signal: AbortSignal): Promise<RunnerAdapter> {
    report(t('Installing debugpy…'));
    const tools = await askDebugTools(folder, signal);
    report(t('Connecting the runner…'));
    const started = await startAdapter(tools, signal);
    try {
      const { port, token } = started;
      await connectRunner(folder, runner, { port, token }, signal);
    } catch (error) {
      started.end();
      throw error;
    }
    const adapter = createRunnerAdapter(started, pathsOf(runner));
    adapters.set(runner, adapter);
    started.process.once('close', () => {
      if (adapters.get(runner) === adapter) adapters.delete(runner);
    });
    return adapter;
  }

  return {
    async attach({ id, number }, report, signal, parent) {
      ready.set(id, await connect(id, report, signal));
      const configuration = { type: debugType, request: 'attach', name: t('runner {0}', number), runner: id };
      const below: vscode.DebugSessionOptions = parent
        ? {
            ...{ parentSession: parent, lifecycleManagedByParent: true, compact: true },
            consoleMode: vscode.DebugConsoleMode.MergeWithParent,
            suppressSaveBeforeStart: true,
          }
        : {};
      const more = parent ? { justMyCode: parent.configuration.justMyCode ?? true } : {};
      const hasBegun = await vscode.debug.startDebugging(parent?.workspaceFolder, { ...configuration, ...more }, below);
      if (hasBegun) return;
      ready.get(id)?.leave();
      ready.delete(id);
    },
    async adapterOf(runner) {
      const found = ready.get(runner);
      ready.delete(runner);
      return found ?? connect(runner, () => {}, new AbortController().signal);
    },
    leave(runners) {
      for (const runner of runners) adapters.get(runner)?.leave();
    },
    close() {
      for (const adapter of adapters.values()) adapter.dispose();
    },
  };
}

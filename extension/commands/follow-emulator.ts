import type * as vscode from 'vscode';
import type { SetContext } from '../contexts.ts';
import { followEmulatorLog } from '../log.ts';
import type { Action, Presenter } from '../present.ts';
import { Problem } from '../problem.ts';
import type { Windows } from '../process/windows.ts';
import type { Link } from '../target/link.ts';
import type { Snapshot } from '../target/snapshot.ts';

/** What a window does whenever the emulator's state changes, whatever started or stopped it. */
export function followEmulator(deps: {
  readonly link: Link;
  readonly windows: Windows;
  readonly present: Presenter;
  readonly log: vscode.LogOutputChannel;
  readonly setContext: SetContext;
  readonly setAllTerminals: () => void;
  /** Runs again what ended with the emulator. */
  readonly runAgain: () => Action | undefined;
}): { close(): void } {
  const { link, windows, present, log, setContext, setAllTerminals } = deps;
  let emulatorLog: { close(): void } | undefined;
  let hideFailure = (): void => {};

  function follow(now: Snapshot, before: Snapshot): void {
    setContext('emulatorState', now.state);
    setContext('hasNoEmulator', now.running === undefined);
    setContext('secretsSealed', now.live?.head.secrets === 'sealed');
    setContext(
      'hasDeployed',
      [...(now.live?.apps.values() ?? [])].some(({ kind }) => kind === 'deployed'),
    );
    setContext(
      'hasRunners',
      [...(now.live?.runners.values() ?? [])].some(({ endedAt }) => endedAt === null),
    );
    const { waiting = 0, running = 0, finished = 0 } = now.live?.head.requests ?? {};
    setContext('hasOpenRequests', waiting + running > 0);
    setContext('hasRequests', waiting + running + finished > 0);
    if (now.state === before.state) return;
    log.info(`[extension] emulator: ${now.state}${now.why ? `: ${now.why}` : ''}`);
    if (now.state === 'running') {
      hideFailure();
      hideFailure = () => {};
      windows.enter();
      emulatorLog ??= followEmulatorLog(link.folder, log);
      setAllTerminals();
    } else if (now.state !== 'starting') {
      emulatorLog?.close();
      emulatorLog = undefined;
    }
    // The code that started the emulator reports a failed start.
    if (now.state === 'failed' && before.state !== 'starting') {
      const problem = new Problem(now.why ?? '', now.running ? 'stopEmulator' : 'startEmulator');
      hideFailure = present.passing(problem, now.running ? undefined : deps.runAgain());
    }
  }

  setContext('emulatorState', link.snapshot().state);
  setContext('hasNoEmulator', link.snapshot().running === undefined);
  const unfollow = link.onChange(follow);
  return {
    close() {
      unfollow();
      emulatorLog?.close();
    },
  };
}

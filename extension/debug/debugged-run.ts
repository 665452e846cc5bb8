import * as vscode from 'vscode';
import type { AppCommands } from '../commands/app.ts';
import type { Runs } from '../commands/runs.ts';
import { signalOf } from '../present.ts';
import { Cancelled } from '../problem.ts';
import { readSettings } from '../settings.ts';
import { setDebugWait } from '../target/debug.ts';
import type { Link } from '../target/link.ts';
import type { RunnerRow } from '../target/live.ts';
import { t } from '../words.ts';
import type { WorkspaceApp } from '../workspace/app-index.ts';
import { appKey } from '../workspace/code/listed.ts';
import type { Attaching } from './attaching.ts';
import type { DapMessage } from './dap.ts';
import { createRunAdapter } from './run-adapter.ts';
import { runnersToAttach } from './runners-to-attach.ts';

/** The debug session of an app's run in this window, with the sessions of its runners below it. */
export interface DebuggedRun {
  readonly adapter: vscode.DebugAdapter;
}

/**
 * Debugs the run of an app; begins one if there is none. Attaches to each of its runners when it waits for a debugger
 * or serves, so that a restart by a save or by the platform is debugged in the same session.
 */
export function createDebuggedRun(deps: {
  readonly link: Link;
  readonly runs: Runs;
  readonly apps: Pick<AppCommands, 'run'>;
  readonly attaching: Attaching;
  readonly app: WorkspaceApp;
  readonly session: vscode.DebugSession;
  /** Shows why something failed. */
  readonly problem: (error: unknown) => void;
  /** The session is over. */
  readonly ended: () => void;
}): DebuggedRun {
  const { link, runs, apps, attaching, app, session } = deps;
  const key = appKey(app);
  const sent = new vscode.EventEmitter<vscode.DebugProtocolMessage>();
  const over = new AbortController();
  /** Runners to which this session has attached, or tried to. */
  const tried = new Set<string>();
  const attached = new Set<string>();
  let hasBegun = false;
  let report = (_: string): void => {};
  let shown: () => void = () => {};
  const unfollow: (() => void)[] = [];

  const adapter = createRunAdapter({
    send: (message: DapMessage) => sent.fire(message),
    begin: () => void begin(),
    restart: () => void restart(),
    end: () => void end(),
  });

  /** The alias of the run, as soon as it is known. */
  const alias = (): string | undefined => runs.aliasesOf(key)[0];

  async function begin(): Promise<void> {
    showProgress();
    try {
      report(t('Starting {0}…', app.name));
      if (!runs.has(key) && !(await apps.run({ file: app.uri.fsPath, app: app.entry?.name ?? app.name }, true))) {
        close(true);
        return;
      }
      hasBegun = true;
      if (over.signal.aborted) return;
      unfollow.push(link.onChange(look), runs.onChange(look));
      report(t('Waiting for a runner…'));
      look();
    } catch (error) {
      deps.problem(error);
      close(true);
    }
  }

  /** The alias whose runners wait for this session. */
  let waits: string | undefined;

  /** Compares what runs with what this session debugs. */
  function look(): void {
    if (over.signal.aborted) return;
    if (!runs.has(key) || link.snapshot().state !== 'running') {
      close(true);
      return;
    }
    const served = alias();
    const { live } = link.snapshot();
    if (served === undefined || !live) return;
    if (waits !== served) {
      waits = served;
      void setDebugWait(link.folder, served, true).catch(deps.problem);
    }
    const all = [...live.runners.values()].filter((runner) => runner.alias === served && runner.endedAt === null);
    for (const runner of runnersToAttach(all, tried)) {
      tried.add(runner.id);
      void attach(runner);
    }
    const isReady = ({ id, state, debug }: RunnerRow) =>
      attached.has(id) && (debug === 'paused' || /^(IDLE|RUNNING)$/.test(state));
    if (all.some(isReady)) shown();
  }

  async function attach(runner: RunnerRow): Promise<void> {
    try {
      await attaching.attach(runner, report, over.signal, session);
      attached.add(runner.id);
      report(t('Waiting for setup()…'));
      look();
    } catch (error) {
      shown();
      if (!over.signal.aborted) deps.problem(error);
    }
  }

  /** The app starts again, in this session if its run can do that. */
  async function restart(): Promise<void> {
    if (await runs.restartOne(key)) return;
    close(false);
    await runs.endAll(key);
    adapter.terminated(true);
  }

  function showProgress(): void {
    const title = t('Debugging {0}', app.name);
    const options = { location: vscode.ProgressLocation.Notification, title, cancellable: true };
    void vscode.window.withProgress(options, (progress, token) => {
      report = (message) => progress.report({ message });
      signalOf(token).addEventListener('abort', () => void end().then(() => adapter.terminated()), { once: true });
      return new Promise<void>((resolve) => {
        shown = resolve;
      });
    });
  }

  /** The person ends the session: the run continues without debugger, or ends, too. */
  async function end(): Promise<void> {
    if (over.signal.aborted) return;
    const served = alias();
    close(false);
    attaching.leave(tried);
    if (served !== undefined) await setDebugWait(link.folder, served, false).catch(() => {});
    if (readSettings(app.uri).stopOnDebugEnd && hasBegun) await runs.endAll(key);
  }

  /** Nothing is left to debug (the editor learns it), or the person wants no more. */
  function close(isNews: boolean): void {
    if (over.signal.aborted) return;
    over.abort(new Cancelled());
    shown();
    for (const stop of unfollow) stop();
    deps.ended();
    if (isNews) adapter.terminated();
  }

  return {
    adapter: {
      onDidSendMessage: sent.event,
      handleMessage: (message) => adapter.handle(message as DapMessage),
      dispose() {
        void end();
        sent.dispose();
      },
    },
  };
}

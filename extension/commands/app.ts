import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import * as vscode from 'vscode';
import { commandId, commandTitle } from '../contributes/commands.ts';
import { viewId } from '../contributes/views.ts';
import { type Action, type Presenter, withSign } from '../present.ts';
import { type FailedCommand, Problem, untrusted } from '../problem.ts';
import { diagnose, plain } from '../process/diagnose.ts';
import type { NodeProgram } from '../process/node.ts';
import type { RunHelpers } from '../process/run/run-helpers.ts';
import type { FalEnd } from '../process/run/window-run.ts';
import { stepText } from '../process/step-text.ts';
import { findRunning } from '../target/data-folder.ts';
import type { Link } from '../target/link.ts';
import type { Snapshot } from '../target/snapshot.ts';
import { t } from '../words.ts';
import type { AppIndex, WorkspaceApp } from '../workspace/app-index.ts';
import { appArgument, chooseApp } from '../workspace/choose-app.ts';
import { appKey } from '../workspace/code/listed.ts';
import { appInTask, createAppTasks, type FailedTask } from './app-tasks.ts';
import type { BegunTasks } from './begun-tasks.ts';
import type { EmulatorCommands } from './emulator.ts';
import { failedCommand } from './failed-command.ts';
import type { FalClis } from './fal-cli.ts';
import { served } from './fal-task.ts';
import type { Runs } from './runs.ts';
import type { ScaleResets } from './scale-resets.ts';
import type { StartedCode } from './started-code.ts';

/** A window notices the end of the emulator within a fraction of it. */
const noticeMs = 2_000;

/** Runs an app, deploys it, and stops a run. */
export function createAppCommands(deps: {
  readonly index: AppIndex;
  readonly link: Link;
  readonly emulator: EmulatorCommands;
  readonly clis: FalClis;
  readonly present: Presenter;
  readonly log: vscode.LogOutputChannel;
  readonly runs: Runs;
  readonly helpers: RunHelpers;
  readonly begunTasks: BegunTasks;
  readonly scaleResets: ScaleResets;
  readonly startedCode: StartedCode;
  readonly minifal: { readonly node: () => Promise<NodeProgram>; readonly bundle: string };
  /** Called with each command that failed because of a line of code. */
  readonly failedAt: (failed: FailedCommand) => void;
}) {
  const { index, link, emulator, clis, present, log, runs, helpers, begunTasks, scaleResets, startedCode } = deps;
  const appOf = (key: string) => index.known().find((app) => appKey(app) === key);
  const tasks = createAppTasks({
    ...{ link, emulator, clis, present, runs, helpers, begunTasks, startedCode },
    appOf,
    failed,
    endedAlone: sayEndedAlone,
    minifal: deps.minifal,
  });
  /** Runs that begin now: a second click doesn't begin another one. */
  const beginning = new Map<string, Promise<void>>();

  async function chosen(argument: unknown, title: string): Promise<WorkspaceApp> {
    if (!vscode.workspace.isTrusted) throw untrusted();
    const app = await chooseApp(index, appArgument(argument), title);
    await saveAll();
    return app;
  }

  async function run(argument: unknown, isDebugged = false): Promise<boolean> {
    try {
      const app = await chosen(argument, t('Select an App to Run'));
      const key = appKey(app);
      const begun =
        beginning.get(key) ??
        runs.expect(key, () => beginRun(app, key, isDebugged)).finally(() => beginning.delete(key));
      beginning.set(key, begun);
      await begun;
      return true;
    } catch (error) {
      present.problem(error);
      return false;
    }
  }

  /** One run of an app: another one takes the place of the first. */
  async function beginRun(app: WorkspaceApp, key: string, isDebugged: boolean): Promise<void> {
    // Otherwise a window that was just reloaded would begin a second one.
    await runs.joined();
    if (runs.has(key)) await withSign(t('Stopping {0}', app.name), () => runs.endAll(key));
    await withSign(t('Starting {0}', app.name), () => tasks.begin('run', app, { isDebugged }));
  }

  /** A run that doesn't reload is stopped and begun again. */
  async function restart(key: string | undefined): Promise<boolean> {
    if (await runs.restartOne(key)) return true;
    const app = key === undefined ? undefined : appOf(key);
    return app !== undefined && runs.has(appKey(app)) ? run({ file: app.uri.fsPath, app: app.name }) : false;
  }

  async function deploy(argument: unknown): Promise<boolean> {
    try {
      const app = await chosen(argument, t('Select an App to Deploy'));
      const end = await runs.deploy(appKey(app), () => deployWithProgress(app));
      if (end.code === 0) void notifyDeployed(app);
      else if (!end.stopped) {
        await failed({ command: 'deploy', app: appInTask(app), name: app.name, folder: app.folder }, end);
      }
      return end.code === 0;
    } catch (error) {
      present.problem(error);
      return false;
    }
  }

  async function deployWithProgress(app: WorkspaceApp): Promise<FalEnd> {
    const title = t('Deploying {0} to the local emulator', app.name);
    // Outside the progress notification: prompts and messages would otherwise appear next to it.
    await withSign(title, async () => {
      await clis.get(vscode.Uri.file(tasks.folderOf(appInTask(app), app.folder)));
      await emulator.ensureRunning();
    });
    const options = { location: vscode.ProgressLocation.Notification, title, cancellable: true };
    return vscode.window.withProgress(options, async (progress, token) => {
      const onText = (text: string): void => {
        const message = stepText(text);
        if (message !== undefined) progress.report({ message });
      };
      const key = appKey(app);
      const options = scaleResets.isWanted(key) ? ['--reset-scale'] : [];
      const task = await tasks.begin('deploy', app, { onText, options });
      void task.ended.then(({ code }) => {
        if (code === 0 && options.length > 0) scaleResets.done(key);
      });
      if (token.isCancellationRequested) task.stop();
      token.onCancellationRequested(() => task.stop());
      return task.ended;
    });
  }

  /**
   * One message, with the sentence of the failure itself; the whole end of its output is in the log. An emulator that
   * was killed has a message of its own.
   */
  async function failed({ command, app, name, folder }: FailedTask, { output }: FalEnd): Promise<void> {
    log.error(`[fal] ${command} ${app} failed. Its last lines:`);
    for (const line of plain(output).trimEnd().split(/\r?\n/).slice(-40)) log.error(`[fal] ${line}`);
    if ((await wasKilled()) || link.snapshot().isAsked) return;
    // Otherwise the SDK's report of a broken connection would be the reason.
    if (!findRunning(link.folder)) {
      const isGone = !existsSync(link.folder);
      const { why = isGone ? t('Its data folder was deleted: {0}', link.folder) : undefined } = link.snapshot();
      const what =
        why === undefined
          ? t('{0} ended with the emulator, which is not running any more.', name)
          : t('{0} ended with the emulator. {1}', name, why);
      present.problem(new Problem(what, 'startEmulator'), command === 'run' ? runAgain() : undefined);
      return;
    }
    const known = diagnose(output);
    if (known) {
      present.problem(known);
      return;
    }
    const found = index.known().find((one) => appInTask(one) === app && one.folder.uri.fsPath === folder.uri.fsPath);
    const file = found?.uri.fsPath ?? resolve(folder.uri.fsPath, app.split('::')[0] ?? '');
    const key = found ? appKey(found) : resolve(folder.uri.fsPath, app);
    const folders = [folder.uri.fsPath, dirname(file)];
    const of = { command, key, file, folders, cwd: tasks.folderOf(app, folder) };
    const { reason, place, failed: failedAt } = failedCommand(of, output);
    if (failedAt) deps.failedAt(failedAt);
    // The address is printed before the app serves; the platform's sentence says that it did not.
    const hasStarted = served(output) !== undefined && !/ The app failed to start\./.test(output);
    const what =
      command === 'deploy'
        ? t('{0} was not deployed', name)
        : hasStarted
          ? t('{0} failed', name)
          : t('{0} did not start', name);
    present.problem(new Problem(`${what}${reason === undefined ? '.' : `: ${reason}`}`, undefined, place));
  }

  /** Runs the apps again whose runs have just ended; `undefined`: there are none. */
  function runAgain(keys: readonly string[] = runs.lately()): Action | undefined {
    const apps = keys.map(appOf).filter((app) => app !== undefined);
    if (apps.length === 0) return undefined;
    const again = async () => {
      for (const app of apps) await run({ file: app.uri.fsPath, app: app.name });
    };
    return { title: () => t('Run Again'), run: again };
  }

  /** Once, when this window opens; the rows of Apps say it, too. */
  function sayEndedAlone(ended: readonly { readonly key: string; readonly name: string }[]): void {
    const names = ended.map(({ name }) => name).join(', ');
    if (names === '') return;
    const what = t('Stopped, because no window was open for 30 seconds: {0}', names);
    void index.apps().then(() => present.news(what, runAgain(ended.map(({ key }) => key))));
  }

  /** Whether the emulator has ended unexpectedly. Its commands fail at the same time as the window notices it. */
  async function wasKilled(): Promise<boolean> {
    if (findRunning(link.folder)) return false;
    const noticed = ({ state }: Snapshot) => state !== 'running';
    const { state } = await link.until(noticed, AbortSignal.timeout(noticeMs)).catch(link.snapshot);
    return state === 'failed';
  }

  return {
    /** `true`: the run has begun. `isDebugged`: its runners wait for a debugger, if it reloads. */
    run,
    /** `false`: nothing is running, or the user chose nothing. `key` absent: any run. */
    restart,
    /** `true`: the app is deployed. */
    deploy,
    /** For tasks that the user starts directly: "Run Task", tasks.json, a launch configuration. */
    task: tasks.task,
    /** Resolves when the run has ended. `false`: nothing is running, or the user chose nothing. */
    stopRun: (key?: string) => runs.stopOne(key),
    /** A button that runs the apps again whose runs have just ended. */
    runAgain: () => runAgain(),
    /** Shows the runs that an earlier window of this workspace left. */
    rejoin: tasks.rejoin,
    /** Leaves all runs to the next window. */
    close() {
      runs.leave();
      helpers.leave();
    },
  };
}

export type AppCommands = ReturnType<typeof createAppCommands>;

async function notifyDeployed({ name }: WorkspaceApp): Promise<void> {
  const [call, show] = [commandTitle('openTerminal'), t('Show Apps')];
  const answer = await vscode.window.showInformationMessage(
    t('{0} is deployed to the local emulator.', name),
    call,
    show,
  );
  if (answer === call) await vscode.commands.executeCommand(commandId('openTerminal'));
  if (answer === show) await vscode.commands.executeCommand(`${viewId('apps')}.focus`);
}

/** `fal run` and `fal deploy` read files from the disk. */
async function saveAll(): Promise<void> {
  if (!vscode.workspace.textDocuments.some(({ isDirty, isUntitled }) => isDirty && !isUntitled)) return;
  if (!(await vscode.workspace.saveAll(false))) throw new Problem(t('Some files could not be saved.'));
  void vscode.window.setStatusBarMessage(t('fal: All files saved.'), 3_000);
}

import * as vscode from 'vscode';
import type { AppCommands } from '../commands/app.ts';
import { appInTask } from '../commands/app-tasks.ts';
import type { Runs } from '../commands/runs.ts';
import { type Presenter, signalOf } from '../present.ts';
import { Cancelled, Problem, untrusted } from '../problem.ts';
import { createOpenedCode } from '../problems/opened-code.ts';
import { type DebugRefused, setDebugWait } from '../target/debug.ts';
import type { Link } from '../target/link.ts';
import type { RunnerRow } from '../target/live.ts';
import type { NameOf } from '../views/app-names.ts';
import { elementsOf } from '../views/row-view.ts';
import { t } from '../words.ts';
import type { AppIndex, WorkspaceApp } from '../workspace/app-index.ts';
import { appArgument, chooseApp } from '../workspace/choose-app.ts';
import { appKey } from '../workspace/code/listed.ts';
import { createAttaching } from './attaching.ts';
import { appConfiguration, targetOf } from './configuration.ts';
import { createDebuggedRun, type DebuggedRun } from './debugged-run.ts';
import { type DebugPaths, debugPaths } from './paths.ts';
import type { DebugSide } from './register.ts';
import { createStacks } from './stacks.ts';

/** Debugs apps and runners: what the editor asks, and the commands. */
export function createDebug(deps: {
  readonly link: Link;
  readonly index: AppIndex;
  readonly runs: Runs;
  readonly appNames: () => NameOf;
  readonly apps: AppCommands;
  readonly present: Presenter;
  readonly stacksChanged: (uri: vscode.Uri) => void;
  /** The id of the runner that the user picks; empty: none. */
  readonly pickRunner: (title: string) => Promise<readonly string[]>;
}) {
  const { link, index, runs, present, pickRunner } = deps;
  const code = createOpenedCode(deps);
  const attaching = createAttaching({ folder: link.folder, pathsOf });
  const stacks = createStacks({ link, appNames: deps.appNames, pathsOf, pickRunner, changed: deps.stacksChanged });
  /** By the key of their app. */
  const debugged = new Map<string, DebuggedRun>();

  function pathsOf(runner: string): DebugPaths {
    code.lookAgain();
    return debugPaths(runnerWith(runner)?.alias ?? '', code.workspace());
  }

  const runnerWith = (id: string): RunnerRow | undefined => link.snapshot().live?.runners.get(id);

  async function appNamed(name: string, folder: vscode.WorkspaceFolder | undefined): Promise<WorkspaceApp> {
    const named = (await index.apps()).filter((app) => appInTask(app) === name);
    const found = named.find((app) => app.folder.index === folder?.index) ?? named[0];
    if (!found) throw new Problem(t('No app {0} was found. Correct "app" in launch.json.', name));
    return found;
  }

  /** In the file of the active editor, if it has apps. */
  async function appToDebug(argument: unknown): Promise<WorkspaceApp> {
    const given = appArgument(argument);
    const path = vscode.window.activeTextEditor?.document.uri.fsPath;
    const isHere = (await index.apps()).some(({ uri }) => uri.fsPath === path);
    const file = given.file ?? (given.app === undefined && isHere ? path : undefined);
    return chooseApp(index, { ...given, ...(file === undefined ? {} : { file }) }, t('Select an App to Debug'));
  }

  async function resolve(
    folder: vscode.WorkspaceFolder | undefined,
    given: vscode.DebugConfiguration,
  ): Promise<vscode.DebugConfiguration | undefined> {
    try {
      if (!vscode.workspace.isTrusted) throw untrusted();
      const target = targetOf(given);
      if (target.kind === 'app') {
        await appNamed(target.app, folder);
        return quiet(given);
      }
      if (target.kind === 'anyApp')
        return quiet({ ...appConfiguration(appInTask(await appToDebug(undefined))), ...named(given) });
      if (target.kind === 'runner') return quiet(given);
      const [runner] = await pickRunner(t('Select a Runner to Debug'));
      return runner === undefined ? undefined : quiet({ ...given, runner });
    } catch (error) {
      problem(error);
      return undefined;
    }
  }

  async function adapter(session: vscode.DebugSession): Promise<vscode.DebugAdapterDescriptor> {
    const target = targetOf(session.configuration);
    if (target.kind === 'runner') {
      return new vscode.DebugAdapterInlineImplementation(await attaching.adapterOf(target.runner));
    }
    if (target.kind !== 'app') throw new Error(t('Nothing to debug was chosen.'));
    const app = await appNamed(target.app, session.workspaceFolder);
    const key = appKey(app);
    const run = createDebuggedRun({
      ...{ link, runs, apps: deps.apps, attaching, app, session },
      problem,
      ended: () => debugged.delete(key),
    });
    debugged.set(key, run);
    return new vscode.DebugAdapterInlineImplementation(run.adapter);
  }

  async function debugApp(argument: unknown): Promise<boolean> {
    try {
      if (!vscode.workspace.isTrusted) throw untrusted();
      const [row] = elementsOf(argument, undefined);
      const app = await appToDebug(row ?? argument);
      if (debugged.has(appKey(app))) {
        await vscode.commands.executeCommand('workbench.view.debug');
        return true;
      }
      return await vscode.debug.startDebugging(app.folder, appConfiguration(appInTask(app)));
    } catch (error) {
      problem(error);
      return false;
    }
  }

  async function attach(element: unknown): Promise<boolean> {
    const [row] = elementsOf(element, undefined);
    const id = row?.runner ?? (await pickRunner(t('Select a Runner to Debug')))[0];
    const runner = id === undefined ? undefined : runnerWith(id);
    if (!runner) return false;
    try {
      if (!vscode.workspace.isTrusted) throw untrusted();
      const title = t('Attaching to runner {0} of {1}', runner.number, runner.alias);
      await withSteps(title, (report, signal) => attaching.attach(runner, report, signal));
      return true;
    } catch (error) {
      problem(error);
      return false;
    }
  }

  function problem(error: unknown): void {
    const isSentence = error instanceof Error && !(error instanceof Problem) && !(error instanceof Cancelled);
    present.problem(isSentence ? new Problem((error as DebugRefused).message) : error);
  }

  /** Runners of this window's runs that wait for a debugger which is gone, for example since the window reloaded. */
  function release(): void {
    const waiting = [...(link.snapshot().live?.runners.values() ?? [])].filter(({ debug }) => debug === 'waiting');
    for (const alias of new Set(waiting.map((runner) => runner.alias))) {
      const keys = index.known().map(appKey);
      const key = keys.find((one) => runs.aliasesOf(one).includes(alias));
      if (key !== undefined && !debugged.has(key)) void setDebugWait(link.folder, alias, false).catch(() => {});
    }
  }

  const unfollow = link.onChange(release);

  const side: DebugSide = {
    async configurations(folder) {
      if (!vscode.workspace.isTrusted) return [];
      const found = await index.apps();
      return found
        .filter((app) => app.kind === 'app' && (folder === undefined || app.folder.index === folder.index))
        .map((app) => appConfiguration(appInTask(app)));
    },
    resolve,
    adapter,
    stacks: stacks.textOf,
    stackLinks: stacks.links,
  };
  return {
    side,
    commands: { debugApp, attachDebugger: attach, showStacks: stacks.show },
    close() {
      unfollow();
      attaching.close();
    },
  };
}

export type Debug = ReturnType<typeof createDebug>;

/** The output of an app is in its terminal, which the empty debug console would cover. */
function quiet(given: vscode.DebugConfiguration): vscode.DebugConfiguration {
  return { internalConsoleOptions: 'neverOpen', ...given };
}

/** Of a launch.json's own configuration, what says how it is shown. */
function named({ name, justMyCode }: vscode.DebugConfiguration): Partial<vscode.DebugConfiguration> {
  return { ...(name ? { name } : {}), ...(justMyCode === undefined ? {} : { justMyCode }) };
}

/** Shows which step the work is at, and lets the person cancel it. */
function withSteps(
  title: string,
  work: (report: (step: string) => void, signal: AbortSignal) => Promise<unknown>,
): Thenable<unknown> {
  const options = { location: vscode.ProgressLocation.Notification, title, cancellable: true };
  return vscode.window.withProgress(options, (progress, token) =>
    work((message) => progress.report({ message }), signalOf(token)),
  );
}

import { relative, resolve } from 'node:path';
import * as vscode from 'vscode';
import { taskType } from '../contributes/tasks.ts';
import type { Presenter } from '../present.ts';
import { Problem } from '../problem.ts';
import { localEnv } from '../process/child-env.ts';
import type { FalEnd, FalRun } from '../process/fal-run.ts';
import { readSettings } from '../settings.ts';
import { targetEnv } from '../target/data-folder.ts';
import type { Link } from '../target/link.ts';
import type { Snapshot } from '../target/snapshot.ts';
import { hasProject, type WorkspaceApp } from '../workspace/app-index.ts';
import { type FalPlace, falPlace } from '../workspace/working-folder.ts';
import type { EmulatorCommands } from './emulator.ts';
import type { FalClis } from './fal-cli.ts';
import {
  type FalProgram,
  type FalTask,
  type FalTaskDefinition,
  falTask,
  type RunningTask,
  startTask,
} from './fal-task.ts';
import type { Runs } from './runs.ts';

/** `fal run` and `fal deploy` of an app, as editor tasks that start the emulator first if necessary. */
export function createAppTasks(deps: {
  readonly link: Link;
  readonly emulator: EmulatorCommands;
  readonly clis: FalClis;
  readonly present: Presenter;
  readonly runs: Runs;
  /** Called when a task that the user started directly has failed. */
  readonly failed: (what: string, end: FalEnd) => void;
}) {
  const { link, emulator, clis, present, runs } = deps;
  let instances = 0;

  /** @throws Problem, Cancelled */
  async function program(
    { command, app }: FalTaskDefinition,
    folder: vscode.WorkspaceFolder,
    options: readonly string[] = [],
  ): Promise<FalProgram> {
    const { cwd, ref } = placeOf(app, folder);
    const fal = await clis.get(vscode.Uri.file(cwd));
    await emulator.ensureRunning();
    const env = targetEnv(link.folder);
    if (!env) throw new Problem('The emulator has stopped.', 'startEmulator');
    return {
      command: fal.command,
      args: [...fal.args, command, ref, ...options],
      cwd,
      env: localEnv(process.env, env),
    };
  }

  /** The name in the address is the name by which the emulator's runners list the app. */
  async function isReady({ pathname }: URL, signal: AbortSignal): Promise<void> {
    const alias = pathname.split('/')[2];
    const serves = ({ live }: Snapshot) =>
      [...(live?.runners.values() ?? [])].some((one) => one.alias === alias && /^(IDLE|RUNNING)$/.test(one.state));
    await link.until(serves, signal);
  }

  /** Lets lenses know under which alias a run serves its app. */
  function following({ command, app }: FalTaskDefinition, folder: vscode.WorkspaceFolder) {
    const key = appKeyOf(app, folder);
    let serves: ((alias: string) => void) | undefined;
    return {
      key,
      ref: placeOf(app, folder).ref,
      onBegun(_: FalRun, over: AbortSignal) {
        if (command === 'run') ({ serves } = runs.begin(key, over));
      },
      isReady(url: URL, signal: AbortSignal) {
        const alias = url.pathname.split('/')[2];
        if (alias !== undefined) serves?.(alias);
        return isReady(url, signal);
      },
    };
  }

  async function begin(
    command: 'run' | 'deploy',
    app: WorkspaceApp,
    { onText, options = [] }: { readonly onText?: (text: string) => void; readonly options?: readonly string[] } = {},
  ): Promise<RunningTask> {
    const definition: FalTaskDefinition = { type: taskType, command, app: appInTask(app) };
    const { name, folder } = app;
    // Before the terminal opens: prompts and messages would otherwise appear next to it.
    const ready = await program(definition, folder, options);
    const follow = following(definition, folder);
    const task = await startTask(
      {
        label: `${command} ${name}`,
        definition,
        folder,
        ...follow,
        ref: [follow.ref, ...options].join(' '),
        isShown: command === 'run',
        prepare: async () => ready,
        ...(onText ? { onText } : {}),
      },
      ++instances,
    );
    runs.hold(task);
    return task;
  }

  /** For tasks that the user starts directly: "Run Task", tasks.json, a launch configuration. */
  function task(definition: FalTaskDefinition, folder: vscode.WorkspaceFolder): vscode.Task {
    const label = `${definition.command} ${definition.app}`;
    const follow = following(definition, folder);
    const spec: FalTask = {
      ...follow,
      label,
      definition,
      folder,
      isShown: true,
      prepare: () =>
        program(definition, folder).catch((error: unknown) => {
          present.problem(error);
          throw error;
        }),
      onBegun(run, over) {
        follow.onBegun(run, over);
        runs.hold({ label, key: follow.key, ...run });
        void run.ended.then((end) => {
          if (!end.stopped && end.code !== 0) deps.failed(label, end);
        });
      },
    };
    return falTask(spec);
  }

  return {
    begin,
    task,
    /** The folder in which `fal` runs for this app. */
    folderOf: (app: WorkspaceApp) => vscode.Uri.file(placeOf(appInTask(app), app.folder).cwd),
  };
}

/** How a task names an app: `FILE::NAME` from the workspace folder. */
export function appInTask({ name, file, folder, entry }: WorkspaceApp): string {
  if (!entry) return `${file}::${name}`;
  return `${relative(folder.uri.fsPath, entry.path).replaceAll('\\', '/')}::${entry.name}`;
}

/** The key of an app that a task names; see `appKey`. */
function appKeyOf(app: string, { uri }: vscode.WorkspaceFolder): string {
  return resolve(uri.fsPath, app);
}

function placeOf(app: string, { uri }: vscode.WorkspaceFolder): FalPlace {
  return falPlace(app, uri.fsPath, readSettings(uri).workingFolder, hasProject);
}

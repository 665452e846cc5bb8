import { relative, resolve } from 'node:path';
import * as vscode from 'vscode';
import * as z from 'zod';
import { taskType } from '../contributes/tasks.ts';
import type { Presenter } from '../present.ts';
import { Problem } from '../problem.ts';
import { localEnv } from '../process/child-env.ts';
import type { NodeProgram } from '../process/node.ts';
import type { FalProgram, RunHelpers } from '../process/run/run-helpers.ts';
import { type HotReload, watchedRun } from '../process/run/watched-run.ts';
import type { FalEnd, FalRun, JoinedRun } from '../process/run/window-run.ts';
import { readSettings } from '../settings.ts';
import { targetEnv } from '../target/data-folder.ts';
import type { Link } from '../target/link.ts';
import type { Snapshot } from '../target/snapshot.ts';
import { t } from '../words.ts';
import { hasProject, type WorkspaceApp } from '../workspace/app-index.ts';
import { type FalPlace, falPlace } from '../workspace/working-folder.ts';
import type { BegunTasks } from './begun-tasks.ts';
import type { EmulatorCommands } from './emulator.ts';
import type { FalClis } from './fal-cli.ts';
import { type FalTask, type FalTaskDefinition, falTask, type Launch, type RunningTask, startTask } from './fal-task.ts';
import type { Runs } from './runs.ts';
import { codeHash, type StartedCode } from './started-code.ts';

/** A command that failed. */
export interface FailedTask {
  readonly command: 'run' | 'deploy';
  /** As a task names it. */
  readonly app: string;
  /** For messages to the user. */
  readonly name: string;
  readonly folder: vscode.WorkspaceFolder;
}

/** What a reloaded window needs to know about a run in order to show it as before. */
const aboutRun = z.object({
  label: z.string(),
  /** For messages to the user. */
  name: z.string(),
  command: z.enum(['run', 'deploy']),
  app: z.string(),
  folder: z.string(),
  isShown: z.boolean(),
  /** Whether it reloads when a file is saved. */
  reloads: z.boolean().default(false),
});
type AboutRun = z.output<typeof aboutRun>;

/** An app before a command on it began. */
interface Before {
  readonly appName: string;
  /** `undefined`: it isn't deployed. */
  readonly revision: string | undefined;
  /** Of its file. */
  readonly hash: string | undefined;
}

interface HowToBegin {
  /** For `fal`. */
  readonly options?: readonly string[];
  /** The runners of a run that reloads wait for a debugger. */
  readonly isDebugged?: boolean;
}

/** In this time after a deploy, the emulator's live state has it. */
const noteMs = 10_000;

/** `fal run` and `fal deploy` of an app, as editor tasks that start the emulator first if necessary. */
export function createAppTasks(deps: {
  readonly link: Link;
  readonly emulator: EmulatorCommands;
  readonly clis: FalClis;
  readonly present: Presenter;
  readonly runs: Runs;
  readonly helpers: RunHelpers;
  readonly begunTasks: BegunTasks;
  readonly startedCode: Pick<StartedCode, 'note'>;
  /** What runs `minifal` itself. */
  readonly minifal: { readonly node: () => Promise<NodeProgram>; readonly bundle: string };
  /** The app in the workspace with this key. */
  readonly appOf: (key: string) => WorkspaceApp | undefined;
  /** Called with the runs that ended because no window was open. */
  readonly endedAlone: (ended: readonly { readonly key: string; readonly name: string }[]) => void;
  /** Called when a run, or any task that the user started directly, has failed. */
  readonly failed: (failed: FailedTask, end: FalEnd) => void;
}) {
  const { link, emulator, clis, present, runs, helpers, begunTasks, startedCode, appOf, minifal } = deps;
  // The window may still have the tasks of an extension host that was killed: their numbers must not be used again.
  let instances = Date.now();
  /** Of the runs, by the key of their app: a run takes the terminal of the app's last one. */
  const instanceOf = new Map<string, number>();
  const nextInstance = ({ key, definition: { command } }: FalTask): number => {
    const instance = (command === 'run' ? instanceOf.get(key) : undefined) ?? ++instances;
    if (command === 'run') instanceOf.set(key, instance);
    return instance;
  };

  /** @throws Problem, Cancelled */
  async function program(
    { command, app }: FalTaskDefinition,
    folder: vscode.WorkspaceFolder,
    { options = [], isDebugged = false }: HowToBegin = {},
  ): Promise<FalProgram> {
    const { cwd, ref } = placeOf(app, folder);
    const fal = await clis.get(vscode.Uri.file(cwd));
    await emulator.ensureRunning();
    const env = targetEnv(link.folder);
    if (!env) throw new Problem(t('The emulator has stopped.'), 'startEmulator');
    const place = { ref, cwd, env: localEnv(process.env, env) };
    const reload = command === 'run' ? hotReload(folder) : undefined;
    if (reload) {
      const { python } = fal;
      const tools = { node: await minifal.node(), bundle: minifal.bundle, python, dataFolder: link.folder };
      return watchedRun(place, tools, reload, isDebugged);
    }
    return { command: fal.command, args: [...fal.args, command, ref, ...options], cwd, env: place.env };
  }

  /** The name in the address is the name by which the emulator's runners list the app. */
  async function isReady(url: URL, signal: AbortSignal): Promise<void> {
    const alias = aliasIn(url);
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
        const alias = aliasIn(url);
        if (alias !== undefined) serves?.(alias);
        return isReady(url, signal);
      },
    };
  }

  /** @param program makes the command of a new run; a restarted task calls it again */
  function spec(
    about: AboutRun,
    folder: vscode.WorkspaceFolder,
    program: () => Promise<FalProgram>,
    reportsEnd: boolean,
  ): FalTask {
    const { label, name, command, app, isShown } = about;
    const definition: FalTaskDefinition = { type: taskType, command, app };
    const follow = following(definition, folder);
    let { reloads } = about;
    /** What was there when the command began; unset: an earlier window began it. */
    let before: Before | undefined;
    return {
      ...follow,
      label,
      definition,
      folder,
      isShown,
      async launch({ onText, signal, env }: Launch) {
        const fal = await program();
        reloads = fal.takesOrders === true;
        before = reloads ? undefined : await lookBefore(follow.key);
        signal.throwIfAborted();
        return helpers.start({ ...fal, env: { ...fal.env, ...env } }, { ...about, reloads }, onText);
      },
      onBegun(run, over) {
        follow.onBegun(run, over);
        const { cwd } = placeOf(app, folder);
        runs.hold({ label, command, key: follow.key, cwd, reloads, ...run });
        void run.ended.then((end) => {
          if (command === 'deploy' && end.code === 0 && before) {
            note(before.appName, before, AbortSignal.timeout(noteMs));
          }
          if (reportsEnd && !end.stopped && end.code !== 0) deps.failed({ command, app, name, folder }, end);
        });
      },
      isReady(url, signal) {
        const alias = aliasIn(url);
        if (alias !== undefined && before) note(alias, before, signal);
        return follow.isReady(url, signal);
      },
    };
  }

  async function lookBefore(key: string): Promise<Before | undefined> {
    const app = appOf(key);
    if (!app) return undefined;
    const revision = link.snapshot().live?.apps.get(app.appName)?.revision;
    return { appName: app.appName, revision, hash: await codeHash(app.uri.fsPath) };
  }

  /** Notes the code of what an alias serves, as soon as the emulator says which revision that is. */
  function note(alias: string, { revision: old, hash }: Before, signal: AbortSignal): void {
    const revisionIn = ({ live }: Snapshot) => live?.apps.get(alias)?.revision ?? old;
    link
      .until((snapshot) => revisionIn(snapshot) !== old, signal)
      .then((snapshot) => {
        const revision = revisionIn(snapshot);
        if (revision !== undefined) startedCode.note({ alias, revision }, hash);
      })
      .catch(() => {}); // it ended before that: nothing is claimed
  }

  function aboutApp(command: 'run' | 'deploy', app: string, name: string, folder: vscode.WorkspaceFolder): AboutRun {
    return {
      label: `${command} ${name}`,
      name,
      command,
      app,
      folder: folder.uri.toString(),
      isShown: true,
      reloads: false,
    };
  }

  async function begin(
    command: 'run' | 'deploy',
    app: WorkspaceApp,
    { onText, ...how }: HowToBegin & { readonly onText?: (text: string) => void } = {},
  ): Promise<RunningTask> {
    const { name, folder } = app;
    const about = { ...aboutApp(command, appInTask(app), name, folder), isShown: command === 'run' };
    const again = () => program({ type: taskType, ...about }, folder, how);
    // Before the terminal opens: prompts and messages would otherwise appear next to it.
    let ready: FalProgram | undefined = await again();
    const made = spec(
      about,
      folder,
      async () => {
        const first = ready;
        ready = undefined;
        return first ?? again();
      },
      command === 'run',
    );
    const shown = { ...made, ref: [made.ref, ...(how.options ?? [])].join(' '), ...(onText ? { onText } : {}) };
    return startTask(shown, nextInstance(shown), begunTasks);
  }

  /** For tasks that the user starts directly: "Run Task", tasks.json, a launch configuration. */
  function task(definition: FalTaskDefinition, folder: vscode.WorkspaceFolder): vscode.Task {
    const { command, app } = definition;
    const reported = () =>
      program(definition, folder).catch((error: unknown) => {
        present.problem(error);
        throw error;
      });
    return falTask({ ...spec(aboutApp(command, app, app, folder), folder, reported, true), definition });
  }

  /** Shows the runs that an earlier window of this workspace left. */
  function rejoin(): void {
    // After an extension host was killed, the window still has the terminals of its runs, with nothing behind them.
    const left = vscode.window.terminals;
    const joining = helpers.join(async (about, joined) => {
      const known = aboutRun.safeParse(about).data;
      const folder = vscode.workspace.workspaceFolders?.find(({ uri }) => uri.toString() === known?.folder);
      for (const terminal of left) if (terminal.name === known?.label) terminal.dispose();
      if (known && folder) await show(known, folder, joined).catch(present.problem);
      else joined.show(() => {}).stop();
    });
    runs.joining(joining);
    const ended = helpers.ended(Date.now()).flatMap((about) => {
      const known = aboutRun.safeParse(about).data;
      const folder = vscode.workspace.workspaceFolders?.find(({ uri }) => uri.toString() === known?.folder);
      return known?.command === 'run' && folder ? [{ key: appKeyOf(known.app, folder), name: known.name }] : [];
    });
    runs.endedAlone(ended.map(({ key }) => key));
    deps.endedAlone(ended);
  }

  async function show(about: AboutRun, folder: vscode.WorkspaceFolder, joined: JoinedRun): Promise<void> {
    const again = () => program({ type: taskType, ...about }, folder);
    const shown = { ...spec(about, folder, again, true), joined };
    await startTask(shown, nextInstance(shown), begunTasks);
  }

  return {
    begin,
    task,
    rejoin,
    /** The folder in which `fal` runs for an app, as a task names it. */
    folderOf: (app: string, folder: vscode.WorkspaceFolder) => placeOf(app, folder).cwd,
  };
}

function aliasIn({ pathname }: URL): string | undefined {
  return pathname.split('/')[2];
}

/** `undefined`: a run keeps the code with which it began. */
function hotReload({ uri }: vscode.WorkspaceFolder): HotReload | undefined {
  const { hotReload, hotReloadAudit, hotReloadIgnore, 'run.scaling': scaling } = readSettings(uri);
  if (hotReload === 'off') return undefined;
  return { swaps: hotReload === 'swap', audits: hotReloadAudit, scaling, ignored: hotReloadIgnore };
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

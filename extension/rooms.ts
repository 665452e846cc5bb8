import { join } from 'node:path';
import * as vscode from 'vscode';
import type { Calls } from './call/calls.ts';
import type { CallEvents } from './call/register.ts';
import { createAppCommands } from './commands/app.ts';
import { createAppsPresence } from './commands/apps-presence.ts';
import { createBegunTasks } from './commands/begun-tasks.ts';
import { createChoosePython } from './commands/choose-python.ts';
import { createDeployedCommands } from './commands/deployed.ts';
import { createDiskCommands } from './commands/disk.ts';
import { createEmulatorCommands } from './commands/emulator.ts';
import { createFalClis, type FalClis } from './commands/fal-cli.ts';
import { followEmulator } from './commands/follow-emulator.ts';
import { followSettings } from './commands/follow-settings.ts';
import { createIgnoreSaves } from './commands/ignore-saves.ts';
import { createNewApp } from './commands/new-app.ts';
import { createRequestCommands } from './commands/requests.ts';
import { createRowCommands, pickRunner } from './commands/rows.ts';
import { createRuns } from './commands/runs.ts';
import { createScaleResets } from './commands/scale-resets.ts';
import { createSecretCommands } from './commands/secrets.ts';
import { createStartedCode } from './commands/started-code.ts';
import { createStartCommands } from './commands/starts.ts';
import { createSwitchScaling } from './commands/switch-scaling.ts';
import { createTaskProvider } from './commands/task-provider.ts';
import { createTerminals } from './commands/terminal.ts';
import { createTerminalLinks } from './commands/terminal-links.ts';
import { createTerminalReach } from './commands/terminal-reach.ts';
import { followTypedCommands } from './commands/typed-commands.ts';
import { createWhy } from './commands/why.ts';
import { createContexts } from './contexts.ts';
import { type ViewName, viewId } from './contributes/views.ts';
import { walkthrough } from './contributes/walkthroughs.ts';
import type { Debug } from './debug/debug.ts';
import type { InlineLogs } from './inline-logs/inline-logs.ts';
import { createCodeLenses } from './lens/code-lenses.ts';
import { createSettingHovers } from './lens/setting-hovers.ts';
import type { LogPane } from './logs/logs.ts';
import { createPresenter, createSettingsCheck } from './present.ts';
import type { FailedCommand } from './problem.ts';
import { createChecks } from './problems/checks.ts';
import type { Problems } from './problems/problems.ts';
import { hasStoredProblems } from './problems/stored-problems.ts';
import { childEnv } from './process/child-env.ts';
import { createKeychain } from './process/keychain.ts';
import { execProgram, findNode } from './process/node.ts';
import { runsFolder } from './process/run/folder.ts';
import { createRunHelpers } from './process/run/run-helpers.ts';
import { writeShim } from './process/shim.ts';
import { createWindows } from './process/windows.ts';
import { readSettings } from './settings.ts';
import { dataFolder, targetEnv } from './target/data-folder.ts';
import { askDisk } from './target/disk.ts';
import { createLink } from './target/link.ts';
import { reloadErrors } from './target/reload.ts';
import { askSecrets } from './target/secrets.ts';
import { createAppNames } from './views/app-names.ts';
import { createAppsView } from './views/apps-view.ts';
import { createEmulatorView } from './views/emulator-view.ts';
import type { RegisteredViews } from './views/register.ts';
import { createRequestsView } from './views/requests-view.ts';
import { greyGoneRows } from './views/row-items.ts';
import type { Element } from './views/row-view.ts';
import { rowsOfKey } from './views/rows-of-key.ts';
import { createStatusBar } from './views/status-bar.ts';
import { keychainOf, stopAfterLastWindow } from './window.ts';
import { activeFolder } from './workspace/active-folder.ts';
import { createAppIndex } from './workspace/app-index.ts';
import { createOpenFiles } from './workspace/open-files.ts';
import { setOrdinaryTerminals } from './workspace/ordinary-terminals.ts';
import { createSyntaxCheck } from './workspace/syntax.ts';

/** What a window gives its rooms. */
export interface SessionDeps {
  readonly context: vscode.ExtensionContext;
  readonly views: RegisteredViews;
  readonly lensesChanged: () => void;
  readonly requestChanged: (uri: vscode.Uri) => void;
  readonly startChanged: (uri: vscode.Uri) => void;
  readonly whyChanged: (uri: vscode.Uri) => void;
  readonly stacksChanged: (uri: vscode.Uri) => void;
  readonly callEvents: CallEvents;
}
/** Makes the rooms of one window, and is the only place where they meet. */
export function createRooms(deps: SessionDeps) {
  const { context, views } = deps;
  const { view } = views.apps;
  const { extensionPath } = context;
  const log = vscode.window.createOutputChannel('fal', { log: true });
  const present = createPresenter(log);
  const checkSettings = createSettingsCheck();
  const contexts = createContexts();
  const setContext = contexts.set;
  const folder = dataFolder(readSettings().dataFolder || undefined);
  const windows = createWindows(folder);
  const link = createLink(folder);
  const keychain = createKeychain(keychainOf(context));
  const emulator = createEmulatorCommands({ link, windows, keychain, extensionPath, present, checkSettings, log });
  const places = { storage: context.globalStorageUri.fsPath, dataFolder: folder };
  const pythons = createChoosePython({ places, present, log, current: async (scope) => clis.interpreter(scope) });
  const clis: FalClis = createFalClis({ places, choosePython: pythons.choose, setContext, present, log });
  const syntax = createSyntaxCheck({
    python: async () => (vscode.workspace.isTrusted ? clis.interpreter(activeFolder()?.uri) : undefined),
    exec: execProgram,
    env: () => childEnv(process.env),
  });
  const index = createAppIndex({ checkSyntax: syntax, log });
  const runs = createRuns(setContext);
  const appNames = createAppNames({ link, index, runs });
  const openFiles = createOpenFiles(index);
  const checksPage = vscode.Uri.file(join(extensionPath, 'docs', 'checks.md'));
  const checks = createChecks({ index, openFiles, link, dataFolder: folder, page: checksPage });
  const scaleResets = createScaleResets({ index, present });
  const hovers = createSettingHovers({ link, index, openFiles, resetsScale: scaleResets.isWanted });
  const startedCode = createStartedCode(context.workspaceState, () => lenses.soon());
  const lenses = createCodeLenses({ link, index, openFiles, runs, startedCode, changed: deps.lensesChanged });
  const storage = (context.storageUri ?? context.globalStorageUri).fsPath;
  const helpers = createRunHelpers(join(extensionPath, 'dist', 'extension-run-helper.cjs'), runsFolder(storage));
  const begunTasks = createBegunTasks();
  const problems = onFirstUse<Problems>(async () => {
    const { createProblems } = await import('./problems/problems.ts');
    return createProblems({ link, index, runs, state: context.workspaceState });
  });
  const unfollowExceptions = link.onChange(({ live }) => {
    if (live && (live.exceptions.size > 0 || reloadErrors(live).length > 0)) void problems.get();
  });
  if (hasStoredProblems(context)) void problems.get();
  const inlineLogs = onFirstUse<InlineLogs>(async () => {
    const { createInlineLogs } = await import('./inline-logs/inline-logs.ts');
    return createInlineLogs({ link, index, runs });
  });
  const unfollowStart = link.onChange(({ live }) => {
    if (live) void inlineLogs.get();
  });
  const debug = onFirstUse<Debug>(async () => {
    const { createDebug } = await import('./debug/debug.ts');
    return createDebug({
      ...{ link, index, runs, appNames, apps, present, stacksChanged: deps.stacksChanged },
      pickRunner: (title) => pickRunner(link.snapshot(), title, appNames()),
    });
  });
  const unfollowWaiting = link.onChange(({ live }) => {
    if ([...(live?.runners.values() ?? [])].some((runner) => runner.debug === 'waiting')) void debug.get();
  });
  const failedAt = (failed: FailedCommand) => void problems.get().then((loaded) => loaded.failed(failed));
  const ignoreSaves = createIgnoreSaves({ runs, link, present });
  const switchScaling = createSwitchScaling({ runs, link, dataFolder: folder });
  const apps = createAppCommands({
    ...{ helpers, begunTasks, runs, startedCode, scaleResets, index, link, emulator, clis, present, log },
    minifal: { node: ownNode, bundle: join(extensionPath, 'dist', 'minifal.mjs') },
    failedAt,
  });
  const tasks = createTaskProvider({ index, emulator, apps, present, begunTasks });
  const terminalReach = createTerminalReach({ link, present, state: context.workspaceState });
  const terminals = createTerminals({ link, emulator, clis, present, opened: terminalReach.opened, shim });
  const newApp = createNewApp({ templates: join(extensionPath, 'templates'), index, present });
  const tree = createAppsView({
    ...{ link, index, runs, setContext },
    canRun: () => vscode.workspace.isTrusted && /^(ok|undefined)$/.test(`${contexts.get('pythonState')}`),
    ...views.apps,
  });
  contexts.onChange('pythonState', tree.update);
  const requests = createRequestsView({ link, appNames, setContext, ...views.requests });
  const requestActions = createRequestCommands({
    ...{ link, appNames, present },
    view: requests,
    changed: deps.requestChanged,
  });
  const emulatorTree = createEmulatorView({
    link,
    ask: { secrets: () => askSecrets(folder), disk: () => askDisk(folder) },
    ...views.emulator,
  });
  const changesOfEmulator = { folder, present, changed: () => void emulatorTree.refresh() };
  const secrets = createSecretCommands({ ...changesOfEmulator, ensureRunning: emulator.ensureRunning });
  const disk = createDiskCommands({ ...changesOfEmulator, extensionPath, emulator, log });
  const rows = createRowCommands({
    folder,
    present,
    openRequest: requestActions.open,
    showApp,
    cancelRequests: requestActions.cancel,
    removeSecrets: secrets.remove,
    clearEnded: tree.clearEnded,
    isEnded: (element) => tree.rowOf(element)?.kind === 'runner.ended',
    rowsOfKey: keyed,
    pickRunner: (title) => pickRunner(link.snapshot(), title, appNames()),
  });
  const starts = createStartCommands({
    ...{ folder, present, changed: deps.startChanged },
    pickRunner: (title) => pickRunner(link.snapshot(), title, appNames()),
  });
  const why = createWhy({
    folder,
    snapshot: link.snapshot,
    nameOf: (alias) => appNames()(alias),
    changed: deps.whyChanged,
  });
  const deployedApps = createDeployedCommands({ link, present });
  const terminalLinks = createTerminalLinks({ link, showApp });
  const statusBar = createStatusBar(link, appNames);
  const emulatorFollower = followEmulator({
    ...{ link, windows, present, log, setContext, setAllTerminals },
    runAgain: apps.runAgain,
  });
  const presence = createAppsPresence({ view, index, clis, setContext, statusBar });

  const calls = onFirstUse<Calls>(async () => {
    const { createCalls } = await import('./call/calls.ts');
    return createCalls({
      ...{ link, index, runs, present },
      events: deps.callEvents,
      storage: (context.storageUri ?? context.globalStorageUri).fsPath,
      ensureEmulator: emulator.ensureRunning,
      runApp: apps.run,
      ended: (status) => setContext('lastCall', status !== null && status < 400 ? 'answered' : 'failed'),
      hasClient: async () => (await clis.peek(activeFolder()?.uri))?.hasClient === true,
    });
  });
  function ownNode() {
    return findNode({ execPath: process.execPath, env: process.env, exec: execProgram });
  }

  /** The folder of the `minifal` command for terminals. */
  async function shim(): Promise<string> {
    const bin = join(places.storage, 'bin');
    await writeShim(bin, await ownNode(), join(extensionPath, 'dist', 'minifal.mjs'));
    return bin;
  }

  async function getStarted(): Promise<void> {
    await vscode.commands.executeCommand(
      'workbench.action.openWalkthrough',
      `${context.extension.id}#${walkthrough.id}`,
    );
    // Steps that are done already are shown as such.
    if (vscode.workspace.isTrusted) await clis.showPython(activeFolder()?.uri);
  }

  const logs = onFirstUse<LogPane>(async () => {
    const { createLogs } = await import('./logs/logs.ts');
    return createLogs({ link, appNames, present, context });
  });
  async function showApp(alias: string): Promise<void> {
    await vscode.commands.executeCommand(`${viewId('apps')}.focus`);
    const app = tree.app(alias);
    if (app) await view.reveal(app, { focus: true, expand: true });
  }

  const isView = (name: unknown): name is ViewName => typeof name === 'string' && name in views;

  /** The rows of the view that a key's arguments name. */
  async function keyed(name: unknown): Promise<readonly Element[]> {
    if (!isView(name)) return [];
    return rowsOfKey(views[name].view, () => vscode.commands.executeCommand('list.toggleSelection'));
  }

  function setAllTerminals(): void {
    setOrdinaryTerminals(context.environmentVariableCollection, readSettings().allTerminals, targetEnv(folder));
  }

  if (vscode.workspace.isTrusted) apps.rejoin();

  const disposables = [
    log,
    greyGoneRows(),
    followTypedCommands({ index, failedAt }),
    followSettings({
      link,
      emulator,
      checkSettings,
      setAllTerminals,
      refreshIfVisible: presence.refreshIfVisible,
    }),
    ...presence.disposables,
  ];

  return {
    apps,
    calls,
    clis,
    debug,
    deployedApps,
    disk,
    emulator,
    emulatorTree,
    getStarted,
    hovers,
    ignoreSaves,
    index,
    inlineLogs,
    isView,
    lenses,
    link,
    log,
    logs,
    newApp,
    presence,
    problems,
    pythons,
    requestActions,
    requests,
    rows,
    runs,
    scaleResets,
    secrets,
    showApp,
    startedCode,
    starts,
    why,
    statusBar,
    switchScaling,
    tasks,
    terminalLinks,
    terminals,
    tree,
    /** Called when the window closes. Synchronous, because the editor doesn't wait. */
    close() {
      emulatorFollower.close();
      terminalReach.close();
      unfollowExceptions();
      unfollowStart();
      unfollowWaiting();
      debug.ifUsed((loaded) => loaded.close());
      inlineLogs.ifUsed((loaded) => loaded.close());
      problems.ifUsed((loaded) => loaded.close());
      apps.close();
      logs.ifUsed((loaded) => loaded.close());
      tree.close();
      requests.close();
      emulatorTree.close();
      requestActions.close();
      lenses.close();
      checks.close();
      openFiles.close();
      index.close();
      statusBar.close();
      link.close();
      windows.leave();
      if (readSettings().stopEmulatorOnClose !== 'never') stopAfterLastWindow(join(extensionPath, 'dist'), folder);
      for (const disposable of disposables) disposable.dispose();
    },
  };
}

/** A room in a bundle of its own, which is loaded when it is used. */
function onFirstUse<T>(load: () => Promise<T>) {
  let loading: Promise<T> | undefined;
  let loaded: T | undefined;
  return {
    get(): Promise<T> {
      loading ??= load().then((room) => {
        loaded = room;
        return room;
      });
      return loading;
    },
    /** Runs at once if it is loaded, and not at all if nobody wanted it. */
    ifUsed(run: (room: T) => void): void {
      if (loaded !== undefined) run(loaded);
      else void loading?.then(run);
    },
  };
}

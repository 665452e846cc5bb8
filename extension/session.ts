import * as vscode from 'vscode';
import type { CallSide } from './call/register.ts';
import type { callCommands } from './contributes/call-commands.ts';
import type { CommandName } from './contributes/commands.ts';
import type { logCommands } from './contributes/log-commands.ts';
import { viewId } from './contributes/views.ts';
import type { DebugSide } from './debug/register.ts';
import { showAppActions } from './lens/app-actions.ts';
import { createRooms, type SessionDeps } from './rooms.ts';
import { treeOf } from './views/row-items.ts';
import { elementsOf } from './views/row-view.ts';

/** What each command does, with the arguments of a menu. */
type Commands = { readonly [N in CommandName]: (argument: unknown, selection: unknown) => unknown };

/** Everything behind the registrations of `extension.ts`, made on first use. */
export function createSession(deps: SessionDeps) {
  const rooms = createRooms(deps);
  const {
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
  } = rooms;

  const callCommand =
    (name: keyof typeof callCommands): Commands[CommandName] =>
    async (argument) =>
      (await calls.get()).commands[name](argument);

  const logCommand =
    (name: Exclude<keyof typeof logCommands, 'toggleInlineLogs'>): Commands[CommandName] =>
    async (argument) =>
      (await logs.get()).commands[name](argument);

  const commands: Commands = {
    async startEmulator(view: unknown) {
      const isRunning = await emulator.start();
      // The button of the view's welcome had the focus, and is gone.
      if (isRunning && isView(view)) await vscode.commands.executeCommand(`${viewId(view)}.focus`);
      return isRunning;
    },
    stopEmulator: () => emulator.stop(),
    restartEmulator: () => emulator.restart(),
    refreshEmulator: () => emulatorTree.refresh(),
    addSecret: () => secrets.add(),
    importSecrets: () => secrets.importFile(),
    removeSecret: (element: unknown, selection: unknown) => secrets.remove(element, selection),
    cleanDisk: () => disk.cleanUp(),
    runApp: (argument: unknown) => apps.run(argument),
    deployToEmulator: (argument: unknown) => apps.deploy(argument),
    stopRun: (element: unknown) => {
      const [row] = elementsOf(element, undefined);
      // A run of another window can't be stopped here.
      return row && row.key === undefined ? false : apps.stopRun(row?.key);
    },
    restartApp: (element: unknown) => apps.restart(elementsOf(element, undefined)[0]?.key),
    switchScaling: (element: unknown) => switchScaling(elementsOf(element, undefined)[0]?.key),
    ignoreSaves: (element: unknown) => ignoreSaves(elementsOf(element, undefined)[0]?.key),
    useCodeScaling: (argument: unknown) => scaleResets.use(argument),
    showRevisions: (element: unknown) => deployedApps.showRevisions(element),
    deleteApp: (element: unknown, selection: unknown) => deployedApps.remove(element, selection),
    showAppActions: (argument: unknown) =>
      showAppActions({ link, index, runs, startedCode, showApp, ignoreSaves }, argument),
    showEmulatorLog: () => log.show(),
    openTerminal: () => terminals.open(),
    resetSecrets: () => emulator.resetSecrets(),
    getStarted,
    async newApp() {
      const made = await newApp.create();
      if (made) presence.found(true);
      return made;
    },
    choosePython: () => pythons.choose(),
    installFal: () => clis.install(),
    openRequest: (element: unknown, from: unknown) => requestActions.open(element, from),
    cancelRequest: (element: unknown, selection: unknown) => requestActions.cancel(element, selection),
    replayRequest: (element: unknown, selection: unknown) => requestActions.replay(element, selection),
    loadOlderRequests: () => requests.loadOlder(),
    pauseRequests: () => requests.setPaused(true),
    resumeRequests: () => requests.setPaused(false),
    clearFinished: () => requests.clearFinished(),
    filterRequests: () => requestActions.filter(),
    clearFilter: () => requests.setFilter({}),
    openRow: (element: unknown) => rows.open(element),
    endRow: (name: unknown) => rows.end(name),
    copyId: (element: unknown, selection: unknown) => rows.copy(element, selection, 'id'),
    openUrl: (element: unknown) => rows.open(element),
    copyUrl: (element: unknown, selection: unknown) => rows.copy(element, selection, 'url'),
    stopRunner: (element: unknown, selection: unknown) => rows.stopRunners(element, selection),
    debugApp: async (argument: unknown) => (await debug.get()).commands.debugApp(argument),
    attachDebugger: async (element: unknown) => (await debug.get()).commands.attachDebugger(element),
    showStacks: async (element: unknown) => (await debug.get()).commands.showStacks(element),
    showWhy: (element: unknown) => why.show(element),
    showStart: (element: unknown) => starts.show(element),
    exportStart: (element: unknown) => starts.exportTrace(element),
    clearEnded: (element: unknown) => {
      const [row] = elementsOf(element, undefined);
      return tree.clearEnded(row?.rowId.startsWith('ended/') ? [row] : undefined);
    },
    clearRunner: (element: unknown, selection: unknown) => tree.clearEnded(elementsOf(element, selection)),
    clearProblem: async (id: unknown) => (await problems.get()).clear(id),
    refresh: presence.refresh,
    showActions: () => statusBar.showActions(),
    callApp: callCommand('callApp'),
    runAndCall: callCommand('runAndCall'),
    sendCall: callCommand('sendCall'),
    queueCall: callCommand('queueCall'),
    cancelCall: callCommand('cancelCall'),
    replayCall: callCommand('replayCall'),
    saveCall: callCommand('saveCall'),
    copyCall: callCommand('copyCall'),
    showCallLog: callCommand('showCallLog'),
    openResult: callCommand('openResult'),
    callHistory: callCommand('callHistory'),
    showLog: logCommand('showLog'),
    findInLog: logCommand('findInLog'),
    previousLogError: logCommand('previousLogError'),
    nextLogError: logCommand('nextLogError'),
    wrapLog: logCommand('wrapLog'),
    copyLog: logCommand('copyLog'),
    exportLog: logCommand('exportLog'),
    toggleServerLog: logCommand('toggleServerLog'),
    clearLogFilter: logCommand('clearLogFilter'),
    toggleInlineLogs: async () => (await inlineLogs.get()).toggle(),
  };

  return {
    trees: { apps: treeOf(tree, starts.hoverOf), requests: treeOf(requests), emulator: treeOf(emulatorTree) },
    lenses,
    hovers,
    appsFound: presence.found,
    tasks,
    profile: terminals.profile,
    terminalLinks,
    requestText: requestActions.textOf,
    startText: starts.textOf,
    whyText: why.textOf,
    showLogPane: async (shown: vscode.WebviewView): Promise<void> => (await logs.get()).resolve(shown),
    debugSide: async (): Promise<DebugSide> => (await debug.get()).side,
    callSide: async (): Promise<CallSide> => (await calls.get()).side,
    commands,
    close: rooms.close,
  };
}

export type Session = ReturnType<typeof createSession>;

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { createAppCommands } from './commands/app.ts';
import { createEmulatorCommands } from './commands/emulator.ts';
import { createFalClis } from './commands/fal-cli.ts';
import { createTaskProvider } from './commands/task-provider.ts';
import { createTerminals } from './commands/terminal.ts';
import { createTerminalLinks } from './commands/terminal-links.ts';
import { createContexts } from './contexts.ts';
import { followEmulatorLog } from './log.ts';
import { createPresenter, createSettingsCheck } from './present.ts';
import { Problem } from './problem.ts';
import { childEnv } from './process/child-env.ts';
import { createKeychain, type KeychainDeps, type SealingKey } from './process/keychain.ts';
import { createWindows } from './process/windows.ts';
import { readSettings } from './settings.ts';
import { dataFolder, processStart, targetEnv } from './target/data-folder.ts';
import { createLink } from './target/link.ts';
import type { Snapshot } from './target/snapshot.ts';
import { createAppsView, type Element } from './views/apps-view.ts';
import { createStatusBar } from './views/status-bar.ts';
import { activeFolder } from './workspace/active-folder.ts';
import { appsIn, findApps } from './workspace/find-apps.ts';
import { setOrdinaryTerminals } from './workspace/ordinary-terminals.ts';

/** A reloading window is back well before. */
const waitForWindowsMs = 10_000;

/** Settings that an emulator reads when it starts. */
const ofNextStart = [
  'port',
  'timeScale',
  'allowedOrigins',
  'isolation',
  'share',
  'huggingFaceCache',
  'allowOutside',
  'sealSecrets',
];

/**
 * Everything behind the registrations of `extension.ts`, made on first use: wires the rooms, and is the only place
 * where they meet.
 */
export function createSession(deps: {
  readonly context: vscode.ExtensionContext;
  readonly view: vscode.TreeView<Element>;
  readonly changed: (element: Element | undefined) => void;
}) {
  const { context, view, changed } = deps;
  const { extensionPath } = context;
  const log = vscode.window.createOutputChannel('fal', { log: true });
  const present = createPresenter(log);
  const checkSettings = createSettingsCheck();
  const { set: setContext } = createContexts();
  const folder = dataFolder(readSettings().dataFolder || undefined);
  const windows = createWindows(folder);
  const link = createLink(folder);
  const keychain = createKeychain(keychainOf(context));
  const emulator = createEmulatorCommands({ link, windows, keychain, extensionPath, present, checkSettings, log });
  const clis = createFalClis({ storage: context.globalStorageUri.fsPath, setContext, present, log });
  const apps = createAppCommands({ link, emulator, clis, present, log, setContext });
  const tasks = createTaskProvider({ emulator, apps, present });
  const terminals = createTerminals({ link, emulator, clis, present });
  const tree = createAppsView({ link, view, changed, setContext });
  const terminalLinks = createTerminalLinks({ link, showApp });
  const statusBar = createStatusBar(link);
  let emulatorLog: { close(): void } | undefined;

  function follow(now: Snapshot, before: Snapshot): void {
    setContext('emulatorState', now.state);
    setContext('secretsSealed', now.status?.secrets === 'sealed');
    setContext('hasDeployments', (now.status?.apps.length ?? 0) > 0);
    if (now.state === before.state) return;
    log.info(`[extension] emulator: ${now.state}${now.why ? `: ${now.why}` : ''}`);
    if (now.state === 'running') {
      windows.enter();
      emulatorLog ??= followEmulatorLog(folder, log);
      setAllTerminals();
    } else if (now.state !== 'starting') {
      emulatorLog?.close();
      emulatorLog = undefined;
    }
    // A failed start is reported by who started it.
    if (now.state === 'failed' && before.state !== 'starting') {
      present.problem(new Problem(now.why ?? '', now.running ? 'stopEmulator' : 'startEmulator'));
    }
  }

  async function showApp(alias: string): Promise<void> {
    await vscode.commands.executeCommand('minifal.apps.focus');
    const app = tree.app(alias);
    if (app) await view.reveal(app, { focus: true, expand: true });
  }

  function setAllTerminals(): void {
    setOrdinaryTerminals(context.environmentVariableCollection, readSettings().allTerminals, targetEnv(folder));
  }

  async function refresh(): Promise<void> {
    appsFound((await findApps()).length > 0);
    // The view was opened by a person; in a folder that they trust its interpreters may be asked for their version.
    if (vscode.workspace.isTrusted) await clis.peek(activeFolder()?.uri);
  }

  function appsFound(found: boolean): void {
    setContext('hasApps', found);
    statusBar.setHasApps(found);
  }

  async function settingsChanged(event: vscode.ConfigurationChangeEvent): Promise<void> {
    if (event.affectsConfiguration('minifal.terminals.all')) setAllTerminals();
    if (event.affectsConfiguration('minifal.pythonPath') && view.visible) await refresh();
    const changed = ofNextStart.filter((name) => event.affectsConfiguration(`minifal.${name}`));
    if (changed.length > 0) await offerRestart(changed);
    if (!event.affectsConfiguration('minifal.dataFolder')) return;
    const reload = 'Reload Window';
    const what = 'The new data folder is used after the window was reloaded.';
    if ((await vscode.window.showInformationMessage(what, reload)) === reload) {
      await vscode.commands.executeCommand('workbench.action.reloadWindow');
    }
  }

  async function offerRestart(changed: readonly string[]): Promise<void> {
    // One message is enough: a wrong value is worth no restart.
    const wrong = checkSettings();
    if (link.snapshot().state !== 'running' || changed.every((name) => wrong.includes(name))) return;
    const restart = 'Restart Emulator';
    const what = 'The new setting is used when the emulator starts the next time.';
    if ((await vscode.window.showInformationMessage(what, restart)) === restart) await emulator.restart();
  }

  let looked = false;
  const lookOnce = (): void => {
    if (looked || !view.visible) return;
    looked = true;
    void refresh();
  };

  setContext('emulatorState', link.snapshot().state);
  const disposables = [
    log,
    view.onDidChangeVisibility(lookOnce),
    vscode.workspace.onDidChangeConfiguration(settingsChanged),
    vscode.workspace.onDidGrantWorkspaceTrust(() => void refresh()),
    vscode.workspace.onDidChangeWorkspaceFolders(() => void refresh()),
    vscode.workspace.onDidSaveTextDocument((document) => {
      if (document.languageId === 'python' && appsIn(document.uri, document.getText()).length > 0) appsFound(true);
    }),
  ];
  const unfollow = link.onChange(follow);
  lookOnce();

  return {
    tree,
    appsFound,
    tasks,
    profile: terminals.profile,
    terminalLinks,
    commands: {
      startEmulator: () => emulator.start(),
      stopEmulator: () => emulator.stop(),
      runApp: (argument: unknown) => apps.run(argument),
      deployToEmulator: (argument: unknown) => apps.deploy(argument),
      stopRun: () => apps.stopRun(),
      showEmulatorLog: () => log.show(),
      openTerminal: () => terminals.open(),
      setSecretsAside: () => emulator.setSecretsAside(),
      installFal: () => clis.install(),
      clearEnded: () => tree.clearEnded(),
      clearRunner: (element: unknown, selection: unknown) => tree.clearEnded(rowsOf(element, selection)),
      refresh,
      showActions: () => statusBar.showActions(),
    },
    /** The window closes: synchronous, because the editor gives no time. */
    close() {
      unfollow();
      apps.close();
      tree.close();
      statusBar.close();
      emulatorLog?.close();
      link.close();
      windows.leave();
      if (readSettings().stopsOnClose) stopAfterLastWindow(join(extensionPath, 'dist'), folder);
      for (const disposable of disposables) disposable.dispose();
    },
  };
}

export type Session = ReturnType<typeof createSession>;

/**
 * What a menu of the tree hands over: the row, and the selection if there is one. A keybinding may hand over anything.
 */
function rowsOf(element: unknown, selection: unknown): readonly Element[] {
  return [element, ...(Array.isArray(selection) ? selection : [])].filter(
    (one): one is Element =>
      typeof one === 'object' && one !== null && typeof (one as Partial<Element>).id === 'string',
  );
}

function keychainOf({ secrets, globalState }: vscode.ExtensionContext): KeychainDeps {
  const { sessionId, uiKind, remoteName } = vscode.env;
  const name = 'minifal.sealingKey';
  return {
    secrets,
    sealingKey: {
      // Of versions that had one entry for all: only whether it was in use.
      get: () => globalState.get<SealingKey>(name, { id: null, inUse: globalState.get('minifal.everSealed') === true }),
      set: (value) => globalState.update(name, value),
    },
    session: sessionId,
    run: editorRun(process.env.VSCODE_PID),
    isLocal: uiKind === vscode.UIKind.Desktop && (remoteName === undefined || remoteName === 'wsl'),
  };
}

/** The editor's main process, distinguished from a later one with the same number; empty: unknown, as on a server. */
function editorRun(pid: string | undefined): string {
  return pid === undefined ? '' : `${pid} ${processStart(Number(pid))}`;
}

/** See last-window.ts: a process that outlives this window by a few seconds. */
function stopAfterLastWindow(dist: string, folder: string): void {
  const program = join(dist, 'extension-last-window.cjs');
  const env = { ...childEnv(process.env), ELECTRON_RUN_AS_NODE: '1' };
  const args = [program, folder, `${waitForWindowsMs}`];
  const child = spawn(process.execPath, args, { env, detached: true, stdio: 'ignore' });
  child.on('error', () => {}); // then the emulator stays
  child.unref();
}

import * as vscode from 'vscode';
import { type CommandName, commandId, commandTitle } from './contributes/commands.ts';
import { type SettingName, settingId } from './contributes/settings.ts';
import { viewId } from './contributes/views.ts';
import { Cancelled, type DocumentPlace, type Fix, type Place, Problem } from './problem.ts';
import { invalidSettings } from './settings.ts';
import { t } from './words.ts';

/** A button of a message. */
export interface Action {
  readonly title: () => string;
  readonly run: () => unknown;
}

const command = (name: CommandName) => () => vscode.commands.executeCommand(commandId(name));
const setting = (name: SettingName) => () =>
  vscode.commands.executeCommand('workbench.action.openSettings', settingId(name));
const page = (url: string) => () => vscode.env.openExternal(vscode.Uri.parse(url));

const actions: { readonly [F in Fix]: Action } = {
  useFreePorts: {
    title: () => t('Use Free Ports'),
    async run() {
      await vscode.workspace.getConfiguration('minifal').update('port', 0, vscode.ConfigurationTarget.Global);
      await vscode.commands.executeCommand(commandId('startEmulator'));
    },
  },
  chooseDataFolder: { title: () => t('Choose Another Folder'), run: setting('dataFolder') },
  choosePython: { title: () => commandTitle('choosePython'), run: command('choosePython') },
  newApp: { title: () => commandTitle('newApp'), run: command('newApp') },
  installFal: { title: () => t('Install fal'), run: command('installFal') },
  howToInstallPython: { title: () => t('How to Install Python'), run: page('https://www.python.org/downloads/') },
  howToInstallUv: {
    title: () => t('How to Install uv'),
    run: page('https://docs.astral.sh/uv/getting-started/installation/'),
  },
  howToInstallNode: { title: () => t('How to Install Node.js'), run: page('https://nodejs.org/en/download') },
  trustFolder: {
    title: () => t('Manage Workspace Trust'),
    run: () => vscode.commands.executeCommand('workbench.trust.manage'),
  },
  startEmulator: { title: () => commandTitle('startEmulator'), run: command('startEmulator') },
  openTerminal: { title: () => commandTitle('openTerminal'), run: command('openTerminal') },
  resetSecrets: { title: () => commandTitle('resetSecrets'), run: command('resetSecrets') },
  stopEmulator: { title: () => commandTitle('stopEmulator'), run: command('stopEmulator') },
};

function goTo(place: Place | DocumentPlace): Action {
  const at = new vscode.Range(place.line - 1, 0, place.line - 1, 0);
  const uri = 'file' in place ? vscode.Uri.file(place.file) : vscode.Uri.parse(place.document);
  const run = () => vscode.window.showTextDocument(uri, { selection: at });
  return { title: () => t('Go to Line'), run };
}

const showLog: Action = { title: () => t('Show Log'), run: command('showEmulatorLog') };

/**
 * Shows an error: one sentence, a button for the log, and one for a fix. Cancellations are not shown, and the same
 * sentence is never visible twice. Details (never secrets) go to the log.
 */
export function createPresenter(log: vscode.LogOutputChannel) {
  const shown = new Set<string>();

  async function show(what: string, actions: readonly Action[]): Promise<void> {
    if (shown.has(what)) return;
    shown.add(what);
    try {
      const chosen = await vscode.window.showErrorMessage(what, ...actions.map(({ title }) => title()));
      await actions.find(({ title }) => title() === chosen)?.run();
    } finally {
      shown.delete(what);
    }
  }

  function problem({ message, fix, place }: Problem, first?: Action): Promise<void> {
    log.error(`[extension] ${message}`);
    const own = [...(place ? [goTo(place)] : []), ...(fix ? [actions[fix]] : [])];
    return show(message, [...(first ? [first] : []), ...own, showLog]);
  }

  return {
    /**
     * Shows a problem that may solve itself. Returns what hides its message when that has happened. The editor can hide
     * only all messages together; those of others stay in its notification centre.
     */
    passing(error: Problem, first?: Action): () => void {
      let isShown = true;
      void problem(error, first).finally(() => {
        isShown = false;
      });
      return () => {
        if (isShown) void vscode.commands.executeCommand('notifications.hideToasts');
      };
    },
    /** Shows what happened before, which is no error. Returns immediately. */
    news(what: string, action?: Action): void {
      log.info(`[extension] ${what}`);
      const shown = vscode.window.showInformationMessage(what, ...(action ? [action.title()] : []));
      void shown.then((chosen) => chosen !== undefined && action?.run());
    },
    /** Returns immediately, without waiting for the user's answer. `first`: a button in front of the problem's own. */
    problem(error: unknown, first?: Action): void {
      if (error instanceof Cancelled) return;
      if (error instanceof Problem) void problem(error, first);
      else {
        log.error(`[extension] ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
        void show(t('The fal extension failed unexpectedly. See the log for details.'), [showLog]);
      }
    },
  };
}

/** Warns about settings with invalid values, once per value. Returns their names. */
export function createSettingsCheck() {
  const warned = new Set<string>();
  return (): readonly string[] => {
    const wrong = invalidSettings();
    for (const { name, sentence } of wrong) {
      const value = JSON.stringify(vscode.workspace.getConfiguration('minifal').get<unknown>(name));
      if (warned.has(`${name} ${value}`)) continue;
      warned.add(`${name} ${value}`);
      void warn(name, sentence);
    }
    return wrong.map(({ name }) => name);
  };
}

async function warn(name: SettingName, sentence: string): Promise<void> {
  const open = t('Open Setting');
  if ((await vscode.window.showWarningMessage(sentence, open)) === open) await setting(name)();
}

export type SettingsCheck = ReturnType<typeof createSettingsCheck>;

export type Presenter = ReturnType<typeof createPresenter>;

/** Shows progress where the user looks: in the view and in the status bar. Nothing to answer or to close. */
export function withVisibleProgress<T>(title: string, work: () => Promise<T>): Promise<T> {
  const done = withSign(title, work);
  void vscode.window.withProgress({ location: { viewId: viewId('apps') }, title }, () =>
    done.then(
      () => {},
      () => {},
    ),
  );
  return done;
}

/**
 * Shows at once, in the status bar, that a click has an effect: until the work is done, or has begun to show itself.
 * The editor's own progress appears later.
 */
export async function withSign<T>(title: string, work: () => Promise<T>): Promise<T> {
  const shown = vscode.window.setStatusBarMessage(`$(loading~spin) ${title}`);
  try {
    return await work();
  } finally {
    shown.dispose();
  }
}

/** An `AbortSignal` that is aborted with the token, for code that doesn't know the editor. */
export function signalOf(token: vscode.CancellationToken): AbortSignal {
  const controller = new AbortController();
  if (token.isCancellationRequested) controller.abort(new Cancelled());
  token.onCancellationRequested(() => controller.abort(new Cancelled()));
  return controller.signal;
}

import * as vscode from 'vscode';
import { registerCalls } from './call/register.ts';
import { requestScheme } from './commands/request-scheme.ts';
import { startScheme } from './commands/start-scheme.ts';
import type { TerminalLink } from './commands/terminal-links.ts';
import { whyScheme } from './commands/why-scheme.ts';
import type { CommandName } from './contributes/commands.ts';
import { taskType } from './contributes/tasks.ts';
import { isLocalTerminal, terminalId } from './contributes/terminals.ts';
import { viewId } from './contributes/views.ts';
import { registerDebugging } from './debug/register.ts';
import { hasStoredProblems } from './problems/stored-problems.ts';
import { mayHaveRuns } from './process/run/folder.ts';
import type { Session } from './session.ts';
import { registerViews } from './views/register.ts';
import { useWords } from './words.ts';
import { importsFal } from './workspace/code/mentions.ts';

/** The part of package.json that is read here, as `contributes/manifest.ts` has made it. */
interface Manifest {
  readonly contributes: { readonly commands: readonly { readonly command: `minifal.${CommandName}` }[] };
}

const pythonFiles: vscode.DocumentFilter = { language: 'python', scheme: 'file' };

/** Only registers. Everything else is in the session's bundle, which is loaded on first use. */
export function activate(context: vscode.ExtensionContext): void {
  useWords(vscode.l10n.bundle);
  const lensesChanged = new vscode.EventEmitter<void>();
  const requestChanged = new vscode.EventEmitter<vscode.Uri>();
  const startChanged = new vscode.EventEmitter<vscode.Uri>();
  const whyChanged = new vscode.EventEmitter<vscode.Uri>();
  let open: Session | undefined;
  let opening: Promise<Session> | undefined;
  let over = false;

  function session(): Promise<Session> {
    opening ??= import('./session.ts').then(({ createSession }) => {
      open = createSession({
        context,
        views,
        lensesChanged: () => lensesChanged.fire(),
        requestChanged: (uri) => requestChanged.fire(uri),
        startChanged: (uri) => startChanged.fire(uri),
        whyChanged: (uri) => whyChanged.fire(uri),
        stacksChanged: debugging.stacksChanged,
        callEvents: calls.events,
      });
      if (over) open.close();
      return open;
    });
    return opening;
  }

  const calls = registerCalls(async () => (await session()).callSide());
  const debugging = registerDebugging(async () => (await session()).debugSide());
  const { views, disposables } = registerViews(async (name) => (await session()).trees[name]);
  const { contributes }: Manifest = context.extension.packageJSON;
  for (const { command } of contributes.commands) {
    const name = command.replace('minifal.', '') as CommandName;
    const run = async (argument: unknown, more: unknown) => (await session()).commands[name](argument, more);
    context.subscriptions.push(vscode.commands.registerCommand(command, run));
  }
  const profile = { provideTerminalProfile: async () => (await session()).profile() };
  // A terminal link doesn't load the session: without a session, no emulator has been found.
  const links: vscode.TerminalLinkProvider<TerminalLink> = {
    provideTerminalLinks: (line) => open?.terminalLinks.provide(line) ?? [],
    handleTerminalLink: (link) => open?.terminalLinks.handle(link),
  };
  const tasks: vscode.TaskProvider = {
    provideTasks: async () => (await session()).tasks.provide(),
    resolveTask: async (task) => (await session()).tasks.resolve(task),
  };
  const lenses: vscode.CodeLensProvider = {
    onDidChangeCodeLenses: lensesChanged.event,
    async provideCodeLenses(document) {
      await look(document);
      return open?.lenses.provide(document);
    },
  };
  const hovers: vscode.HoverProvider = {
    provideHover: (document, position) => open?.hovers.provide(document, position),
  };
  // A reloaded window restores the documents of requests that were open.
  const requests: vscode.TextDocumentContentProvider = {
    onDidChange: requestChanged.event,
    provideTextDocumentContent: async (uri) => (await session()).requestText(uri),
  };
  const starts: vscode.TextDocumentContentProvider = {
    onDidChange: startChanged.event,
    provideTextDocumentContent: async (uri) => (await session()).startText(uri),
  };
  const whys: vscode.TextDocumentContentProvider = {
    onDidChange: whyChanged.event,
    provideTextDocumentContent: async (uri) => (await session()).whyText(uri),
  };
  context.subscriptions.push(
    ...disposables,
    lensesChanged,
    requestChanged,
    startChanged,
    whyChanged,
    ...calls.disposables,
    ...debugging.disposables,
    vscode.languages.registerCodeLensProvider(pythonFiles, lenses),
    vscode.workspace.registerTextDocumentContentProvider(requestScheme, requests),
    vscode.workspace.registerTextDocumentContentProvider(startScheme, starts),
    vscode.workspace.registerTextDocumentContentProvider(whyScheme, whys),
    vscode.languages.registerHoverProvider(pythonFiles, hovers),
    vscode.window.registerWebviewViewProvider(viewId('logs'), {
      resolveWebviewView: async (shown) => (await session()).showLogPane(shown),
    }),
    vscode.window.registerTerminalProfileProvider(terminalId('terminal'), profile),
    vscode.window.registerTerminalLinkProvider(links),
    // A terminal that the editor brings back uses the emulator, which ends after its last window.
    vscode.window.onDidOpenTerminal(restored),
    vscode.tasks.registerTaskProvider(taskType, tasks),
    vscode.workspace.onDidOpenTextDocument((document) => void look(document)),
    {
      dispose() {
        over = true;
        open?.close();
      },
    },
  );
  for (const document of vscode.workspace.textDocuments) void look(document);
  vscode.window.terminals.forEach(restored);
  // The window was reloaded during a run, which the session joins, or while a command's failure was shown.
  const mayRun = mayHaveRuns((context.storageUri ?? context.globalStorageUri).fsPath);
  if (mayRun || hasStoredProblems(context)) void session();

  function restored(terminal: vscode.Terminal): void {
    if (isLocalTerminal(terminal)) void session();
  }

  /** Activates the session if the Python file contains an app; for any other file, only its text is read. */
  async function look(document: vscode.TextDocument): Promise<void> {
    if (open || !vscode.languages.match(pythonFiles, document)) return;
    if (!vscode.workspace.getWorkspaceFolder(document.uri)) return;
    if (!importsFal(document.getText())) return;
    const { hasApps } = await import('./workspace/code/reader.ts');
    if (hasApps(document.getText())) (await session()).appsFound(true);
  }
}

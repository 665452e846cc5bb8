import { setImmediate as nextTurn } from 'node:timers/promises';
import * as vscode from 'vscode';
import { settingId } from '../contributes/settings.ts';
import { readSettings } from '../settings.ts';
import { builtPackages, type CheckCode, checkCodes, type Finding, fileFacts, type Severity } from '../target/checks.ts';
import type { Link } from '../target/link.ts';
import type { AppIndex } from '../workspace/app-index.ts';
import type { OpenFiles } from '../workspace/open-files.ts';
import { createSetupTimes } from './setup-times.ts';

/** After the last edit, so that nothing is reported while a line is being typed. */
const settleMs = 500;
const python: vscode.DocumentFilter = { language: 'python', scheme: 'file' };

const severities: { readonly [S in Severity]: vscode.DiagnosticSeverity } = {
  error: vscode.DiagnosticSeverity.Error,
  warning: vscode.DiagnosticSeverity.Warning,
  information: vscode.DiagnosticSeverity.Information,
};

/** Mistakes in the apps of open Python files, with quick fixes. Only texts are read, so this needs no trust. */
export function createChecks(deps: {
  readonly index: AppIndex;
  readonly openFiles: OpenFiles;
  readonly link: Link;
  readonly dataFolder: string;
  /** The page with a section for each code. */
  readonly page: vscode.Uri;
}) {
  const { index, openFiles, link, dataFolder, page } = deps;
  const setupTime = createSetupTimes(link, dataFolder);
  const collection = vscode.languages.createDiagnosticCollection('fal-checks');
  const waiting = new Map<string, NodeJS.Timeout>();
  /** That of the last check: each takes one, because all open files are checked again when the apps have changed. */
  let turn: Promise<void> = Promise.resolve();

  async function findings(document: vscode.TextDocument): Promise<readonly Finding[]> {
    if (!readSettings(document.uri).checks || !vscode.workspace.getWorkspaceFolder(document.uri)) return [];
    const apps = await openFiles.apps(document);
    if (apps.length === 0) return [];
    const seconds = new Map<string, number | undefined>();
    for (const { name, appName } of apps) seconds.set(name, await setupTime(appName));
    const { checkPython, projectFacts } = await index.reader();
    // The file may just have been read, which takes as long.
    await nextTurn();
    return checkPython(document.getText(), {
      ...fileFacts(document.uri.fsPath),
      ...projectFacts(document.uri.fsPath),
      apps,
      environments: once(() => builtPackages(dataFolder)),
      setupSeconds: (name) => seconds.get(name),
    });
  }

  async function draw(document: vscode.TextDocument): Promise<void> {
    const { version } = document;
    const found = await findings(document);
    // After an edit, another check follows.
    if (document.isClosed || document.version !== version) return;
    if (found.length === 0) collection.delete(document.uri);
    else
      collection.set(
        document.uri,
        found.map((one) => diagnosticOf(document, one, page)),
      );
  }

  function soon(document: vscode.TextDocument, ms: number): void {
    if (vscode.languages.match(python, document) === 0) return;
    const key = document.uri.toString();
    clearTimeout(waiting.get(key));
    const timer = setTimeout(() => {
      waiting.delete(key);
      turn = turn.then(nextTurn).then(() => void draw(document));
    }, ms);
    waiting.set(key, timer);
  }

  function all(): void {
    for (const document of vscode.workspace.textDocuments) soon(document, 0);
  }

  const actions: vscode.CodeActionProvider = {
    async provideCodeActions(document, range, { diagnostics }) {
      const own = diagnostics.filter((one) => codeOf(one) !== undefined);
      if (own.length === 0) return [];
      const found = await findings(document);
      return found
        .filter(({ from, to }) => range.intersection(rangeOf(document, { from, to })))
        .flatMap((finding) => actionsOf(document, finding, own));
    },
  };

  const disposables = [
    collection,
    vscode.languages.registerCodeActionsProvider(python, actions, {
      providedCodeActionKinds: [vscode.CodeActionKind.QuickFix],
    }),
    index.onDidChange(all),
    vscode.workspace.onDidOpenTextDocument((document) => soon(document, 0)),
    vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
      if (contentChanges.length > 0) soon(document, settleMs);
    }),
    vscode.workspace.onDidCloseTextDocument(({ uri }) => {
      clearTimeout(waiting.get(uri.toString()));
      waiting.delete(uri.toString());
      collection.delete(uri);
    }),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration(settingId('checks.enabled'))) all();
    }),
  ];
  all();

  return {
    close() {
      for (const timer of waiting.values()) clearTimeout(timer);
      for (const disposable of disposables) disposable.dispose();
    },
  };
}

function diagnosticOf(document: vscode.TextDocument, finding: Finding, page: vscode.Uri): vscode.Diagnostic {
  const { code, message } = finding;
  const diagnostic = new vscode.Diagnostic(rangeOf(document, finding), message, severities[checkCodes[code]]);
  diagnostic.source = 'fal';
  const section = [page.with({ fragment: code })];
  const query = encodeURIComponent(JSON.stringify(section));
  diagnostic.code = { value: code, target: vscode.Uri.parse(`command:markdown.showPreview?${query}`) };
  return diagnostic;
}

function actionsOf(
  document: vscode.TextDocument,
  finding: Finding,
  diagnostics: readonly vscode.Diagnostic[],
): readonly vscode.CodeAction[] {
  return finding.fixes.map(({ title, edits }, index) => {
    const action = new vscode.CodeAction(title, vscode.CodeActionKind.QuickFix);
    action.edit = new vscode.WorkspaceEdit();
    for (const edit of edits) action.edit.replace(document.uri, rangeOf(document, edit), edit.text);
    action.diagnostics = diagnostics.filter(
      (one) => codeOf(one) === finding.code && one.range.isEqual(rangeOf(document, finding)),
    );
    action.isPreferred = index === 0;
    return action;
  });
}

function codeOf({ source, code }: vscode.Diagnostic): CheckCode | undefined {
  const value = typeof code === 'object' ? code.value : code;
  return source === 'fal' && typeof value === 'string' && value in checkCodes ? (value as CheckCode) : undefined;
}

function rangeOf(document: vscode.TextDocument, { from, to }: { readonly from: number; readonly to: number }) {
  return new vscode.Range(document.positionAt(from), document.positionAt(to));
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

import { stripVTControlCharacters } from 'node:util';
import * as vscode from 'vscode';
import { isOfCall } from '../call/address.ts';
import type { Runs } from '../commands/runs.ts';
import { commandId, commandTitle, commandUri } from '../contributes/commands.ts';
import { settingId } from '../contributes/settings.ts';
import { createCodeTimes } from '../problems/code-times.ts';
import { editsOf } from '../problems/edit-of.ts';
import { createOpenedCode } from '../problems/opened-code.ts';
import { workspaceFile } from '../problems/runner-paths.ts';
import { readSettings } from '../settings.ts';
import { auditedRun } from '../target/alias-name.ts';
import type { Link } from '../target/link.ts';
import type { LogPage, LogRow } from '../target/log-client.ts';
import { connectLogs } from '../target/logs.ts';
import { linkArguments } from '../views/markdown.ts';
import { requestElement } from '../views/request-rows.ts';
import type { AppIndex } from '../workspace/app-index.ts';
import { createLineValues, isReplaced, type Value } from './line-values.ts';
import { createTracebacks, exceptionText } from './tracebacks.ts';
import { hoverText, textAfter } from './value-text.ts';

const drawMs = 100;
/** After an edit, the editor says whether the document differs from its file. */
const dirtyMs = 100;
const retryMs = { first: 1_000, max: 30_000 };
/** Paths whose file is known; an app with more of them is looked up again. */
const maxPaths = 1_000;
const maxText = 10_000;
const pythonFiles = { language: 'python', scheme: 'file' };

/**
 * The last output of each line after that line, in the visible editors of Python files. Runners note where lines are
 * printed only while something follows the log with places, so nothing is followed while neither such an editor nor a
 * call is visible: a call opens in front of the code, which is what a person looks at next.
 */
export function createInlineLogs(deps: { readonly link: Link; readonly index: AppIndex; readonly runs: Runs }) {
  const { link, index, runs } = deps;
  const lines = createLineValues();
  const partOf = createTracebacks();
  const codeTimes = createCodeTimes();
  const code = createOpenedCode(deps);
  const paths = new Map<string, string | undefined>();
  const fresh = decoration('1');
  const stale = decoration('0.5');
  let following: AbortController | undefined;
  let cursor: number | undefined;
  let failures = 0;
  let drawing: NodeJS.Timeout | undefined;
  let retrying: NodeJS.Timeout | undefined;

  const isWanted = () => readSettings().inlineLogs && index.known().length > 0;

  function editors(): readonly vscode.TextEditor[] {
    if (!isWanted()) return [];
    return vscode.window.visibleTextEditors.filter(
      (editor) =>
        vscode.languages.match(pythonFiles, editor.document) > 0 &&
        vscode.workspace.getWorkspaceFolder(editor.document.uri) !== undefined &&
        !isInDiff(editor),
    );
  }

  /** Follows the log if somebody can see it, and only then. */
  function follow(): void {
    const isCalling = () =>
      isWanted() && vscode.window.visibleTextEditors.some(({ document }) => isOfCall(document.uri));
    if (link.snapshot().live === undefined || (editors().length === 0 && !isCalling())) {
      stop();
      return;
    }
    if (following || retrying) return;
    const client = connectLogs(link.folder);
    if (!client) return;
    const own = new AbortController();
    following = own;
    const from = cursor === undefined ? {} : { after: cursor };
    const onPage = (page: LogPage, next: number): void => {
      // The log of a new data folder begins again.
      const isOther = cursor !== undefined && next < cursor;
      if (isOther) lines.clear();
      const after = isOther ? 0 : (cursor ?? 0);
      cursor = next;
      failures = 0;
      const isShown = page.lines.filter(({ seq }) => seq > after).map(take);
      if (page.missed) lines.missed();
      if (isShown.includes(true)) drawSoon();
    };
    const ended = (): void => {
      if (following !== own) return;
      following = undefined;
      if (link.snapshot().live === undefined) return;
      const delay = Math.min(retryMs.first * 2 ** failures++, retryMs.max);
      retrying = setTimeout(() => {
        retrying = undefined;
        follow();
      }, delay);
    };
    client.follow({ server: 'false', newest: 'true', ...from }, onPage, own.signal).then(ended, ended);
  }

  function stop(): void {
    clearTimeout(retrying);
    retrying = undefined;
    following?.abort();
    following = undefined;
    // What is printed meanwhile has no places.
    cursor = undefined;
  }

  /** @returns whether the row is the output of a line of the workspace */
  function take(row: LogRow): boolean {
    const { place, seq, at, alias, revision, runnerId, requestId } = row;
    if (!place || row.source !== 'USER' || row.exception) return false;
    // It repeats what the run itself has printed.
    if (auditedRun(alias) !== undefined) return false;
    const path = fileOf(place.file, alias);
    if (path === undefined) return false;
    const { live } = link.snapshot();
    const codeAt = codeTimes.of(row, live);
    const part = partOf([path, place.line, runnerId, requestId].join(' '), row.message, place.continues);
    if (part === 'inner') return false;
    const printed = stripVTControlCharacters(row.message.slice(0, maxText));
    const text = part === 'none' || part === 'rest' ? printed : exceptionText(printed);
    const value: Value = { seq, at, codeAt, text, alias, revision, runnerId, requestId };
    const isOver = (older: Value): boolean =>
      older.alias === alias ? isReplaced(older, value) : live?.apps.has(older.alias) === false;
    lines.add(
      { path, line: place.line },
      value,
      isOver,
      place.continues ? 'continues' : part === 'nextException' ? 'replaces' : 'own',
    );
    return true;
  }

  function fileOf(file: string, alias: string): string | undefined {
    const key = `${alias} ${file}`;
    if (!paths.has(key)) {
      if (paths.size >= maxPaths) paths.clear();
      paths.set(key, workspaceFile(file, alias, code.workspace()));
    }
    return paths.get(key);
  }

  /** Another program may have changed the file, and the editor read it: nothing is saved then. */
  function readAgain(document: vscode.TextDocument, now: number): void {
    setTimeout(() => document.isDirty || lines.saved(document.uri.fsPath, now), dirtyMs).unref();
  }

  function lookAgain(): void {
    code.lookAgain();
    paths.clear();
    follow();
  }

  function drawSoon(): void {
    drawing ??= setTimeout(draw, drawMs);
  }

  function draw(): void {
    clearTimeout(drawing);
    drawing = undefined;
    const shown = new Set(editors());
    for (const editor of vscode.window.visibleTextEditors) {
      const all = shown.has(editor) ? lines.of(editor.document.uri.fsPath) : [];
      const options = (isStale: boolean) =>
        all.flatMap((one) => {
          if (one.isStale !== isStale || one.line > editor.document.lineCount) return [];
          const { range } = editor.document.lineAt(one.line - 1);
          const contentText = textAfter(one);
          return contentText === '' ? [] : [{ range, renderOptions: { after: { contentText } } }];
        });
      editor.setDecorations(fresh, options(false));
      editor.setDecorations(stale, options(true));
    }
  }

  function changed(): void {
    follow();
    draw();
  }

  const hovers: vscode.HoverProvider = {
    provideHover(document, { line }) {
      const found = readSettings().inlineLogs ? lines.at(document.uri.fsPath, line + 1) : undefined;
      if (!found) return undefined;
      const live = link.snapshot().live ?? link.snapshot().last;
      const requests = new Map([...(live?.requests.values() ?? [])].map((request) => [request.id, request]));
      const text = hoverText(found, {
        runnerNumber: (id) => live?.runners.get(id)?.number,
        request: (id) => requests.get(id),
        time: (at) => new Date(at).toLocaleTimeString('en-GB'),
        links({ seq, alias, runnerId, requestId }) {
          const request = requestId === null ? undefined : requests.get(requestId);
          const log = requestId ? { requestId } : runnerId ? { runnerId } : { alias };
          return [
            commandLink('showLog', { ...log, at: seq }),
            ...(request ? [commandLink('openRequest', requestElement({ ...request, alias }))] : []),
            commandLink('toggleInlineLogs'),
          ];
        },
      });
      const markdown = new vscode.MarkdownString(text);
      markdown.isTrusted = { enabledCommands: linked.map(commandId) };
      return new vscode.Hover(markdown, document.lineAt(line).range);
    },
  };

  const unsubscribe = [
    runs.onChange(lookAgain),
    link.onChange((now, before) => {
      if (now.live && now.live.apps !== before.live?.apps) codeTimes.note(now.live);
      if ((now.live === undefined) === (before.live === undefined)) return;
      if (!now.live) stop();
      paths.clear();
      follow();
    }),
  ];
  const disposables = [
    fresh,
    stale,
    index.onDidChange(lookAgain),
    vscode.window.onDidChangeVisibleTextEditors(changed),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration(settingId('inlineLogs.enabled'))) changed();
    }),
    vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
      if (vscode.languages.match(pythonFiles, document) === 0) return;
      const now = Date.now();
      const edits = editsOf(document, contentChanges);
      if (edits.map((edit) => lines.edited(edit, now)).includes(true)) drawSoon();
      if (edits.length > 0) readAgain(document, now);
    }),
    vscode.workspace.onDidSaveTextDocument(({ uri }) => lines.saved(uri.fsPath, Date.now())),
    vscode.workspace.onDidCloseTextDocument(({ uri }) => {
      if (lines.discarded(uri.fsPath)) drawSoon();
    }),
    vscode.languages.registerHoverProvider(pythonFiles, hovers),
  ];
  const { live: first } = link.snapshot();
  if (first) codeTimes.note(first);
  void index.apps().then(lookAgain);

  return {
    async toggle(): Promise<void> {
      const id = settingId('inlineLogs.enabled');
      const target = vscode.ConfigurationTarget.Global;
      await vscode.workspace.getConfiguration().update(id, !readSettings().inlineLogs, target);
    },
    close() {
      stop();
      clearTimeout(drawing);
      for (const end of unsubscribe) end();
      for (const disposable of disposables) disposable.dispose();
    },
  };
}

export type InlineLogs = ReturnType<typeof createInlineLogs>;

const linked = ['showLog', 'openRequest', 'toggleInlineLogs'] as const;

function commandLink(name: (typeof linked)[number], argument?: unknown): string {
  return `[${commandTitle(name)}](${commandUri(name)}?${linkArguments(...(argument === undefined ? [] : [argument]))})`;
}

function decoration(opacity: string): vscode.TextEditorDecorationType {
  return vscode.window.createTextEditorDecorationType({
    after: {
      color: new vscode.ThemeColor('editorCodeLens.foreground'),
      margin: '0 0 0 3em',
      // The API has no opacity for attached text.
      textDecoration: `none; opacity: ${opacity}`,
    },
    rangeBehavior: vscode.DecorationRangeBehavior.ClosedOpen,
  });
}

/** Whether the editor is a side of a comparison. */
function isInDiff(editor: vscode.TextEditor): boolean {
  const input = vscode.window.tabGroups.all.find((group) => group.viewColumn === editor.viewColumn)?.activeTab?.input;
  return input instanceof vscode.TabInputTextDiff;
}

import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { Runs } from '../commands/runs.ts';
import type { FailedCommand, Place } from '../problem.ts';
import type { Link } from '../target/link.ts';
import type { LiveState } from '../target/live.ts';
import { reloadErrors } from '../target/reload.ts';
import type { AppIndex } from '../workspace/app-index.ts';
import { sourceTextNow } from '../workspace/source-text.ts';
import { problemActions, sourceLink } from './actions.ts';
import { editsOf } from './edit-of.ts';
import { createFileChanges } from './file-changes.ts';
import { type Finding, lineIn } from './findings.ts';
import { createOpenedCode, openDocument, textOf } from './opened-code.ts';
import { createProblemList } from './problem-list.ts';
import { problemsKey } from './stored-problems.ts';

const fixable: vscode.DocumentSelector = [
  { language: 'python', scheme: 'file' },
  { pattern: '**/pyproject.toml', scheme: 'file' },
];

/** Failures of apps and of commands, at their lines in "Problems". */
export function createProblems(deps: {
  readonly link: Link;
  readonly index: AppIndex;
  readonly runs: Runs;
  /** Survives a reload of the window. */
  readonly state: vscode.Memento;
}) {
  const { link, index, runs, state } = deps;
  const collection = vscode.languages.createDiagnosticCollection('fal');
  const list = createProblemList();
  const code = createOpenedCode(deps);
  const { workspace } = code;
  const changes = createFileChanges(rewritten);
  let exceptions: unknown;
  let reloads = '';

  function update(): void {
    const { live } = link.snapshot();
    // The last ones of an emulator that has ended stay: nothing says that they are fixed.
    if (live) {
      exceptions = live.exceptions;
      reloads = keyOfReloads(live);
      list.update(live, workspace(), Date.now());
    }
    draw();
  }

  function draw(): void {
    const files = list.byFile();
    const now = new Map([...files].map(([file, findings]) => [file, findings.map(diagnosticOf)]));
    collection.forEach((uri) => {
      if (!now.has(uri.fsPath)) collection.delete(uri);
    });
    for (const [file, diagnostics] of now) collection.set(vscode.Uri.file(file), diagnostics);
    changes.watch(now.keys());
    const stored = list.stored();
    if (JSON.stringify(stored) !== JSON.stringify(state.get(problemsKey))) void state.update(problemsKey, stored);
  }

  /** What the workspace's apps are called on the emulator may say which line an exception belongs to. */
  function lookAgain(): void {
    code.lookAgain();
    list.lookAgain();
    update();
  }

  function changed(): void {
    const { live } = link.snapshot();
    if (!live) return;
    const isSame = live.exceptions === exceptions && keyOfReloads(live) === reloads;
    if (isSame && !list.waitsForSuccess(live)) return;
    update();
  }

  /** The editor reports unsaved edits. Of a saved file it may have an old text, or miss the change. */
  function rewritten(file: string): void {
    if (!openDocument(file)?.isDirty && list.rewritten(file, sourceTextNow(file))) draw();
  }

  const actions: vscode.CodeActionProvider = {
    provideCodeActions(document, { start, end }) {
      const all = list.byFile().get(document.uri.fsPath) ?? [];
      return problemActions(all.filter(({ place }) => start.line < place.line && place.line <= end.line + 1));
    },
  };
  const unsubscribe = [link.onChange(changed), runs.onChange(lookAgain)];
  const disposables = [
    collection,
    index.onDidChange(lookAgain),
    vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
      if (document.uri.scheme !== 'file' || !collection.has(document.uri)) return;
      const edits = editsOf(document, contentChanges);
      // Without unsaved changes, it is what the file has: undone, or read again.
      if (document.isDirty) {
        if (edits.map(list.edited).includes(true)) draw();
      } else if (contentChanges.length > 0) {
        list.reread(document.uri.fsPath, document.getText(), edits);
        // Ranges depend on the text of their lines.
        draw();
      }
    }),
    vscode.languages.registerCodeActionsProvider(fixable, actions),
    // It may have changed on disk since its last edit.
    vscode.workspace.onDidCloseTextDocument(({ uri }) => {
      if (uri.scheme === 'file' && collection.has(uri)) rewritten(uri.fsPath);
    }),
  ];
  list.restore(state.get(problemsKey), workspace());
  draw();
  void index.apps().then(lookAgain);

  return {
    failed(failed: FailedCommand): void {
      list.failed(failed, workspace());
      draw();
    },
    /** `false`: there is no such problem any more. */
    clear(id: unknown): boolean {
      const isGone = typeof id === 'string' && list.clear(id);
      draw();
      return isGone;
    },
    close() {
      for (const stop of unsubscribe) stop();
      changes.close();
      for (const disposable of disposables) disposable.dispose();
    },
  };
}

function keyOfReloads(live: LiveState): string {
  return reloadErrors(live)
    .map(({ alias, at }) => `${alias}@${at}`)
    .join(' ');
}

export type Problems = ReturnType<typeof createProblems>;

function diagnosticOf(finding: Finding): vscode.Diagnostic {
  const { place, message, callers, source } = finding;
  const diagnostic = new vscode.Diagnostic(rangeOf(place), message, vscode.DiagnosticSeverity.Error);
  diagnostic.source = 'fal';
  const target = sourceLink(finding);
  diagnostic.code = target ? { value: source, target } : source;
  diagnostic.relatedInformation = callers.map((caller) => {
    const at = new vscode.Location(vscode.Uri.file(caller.file), rangeOf(caller));
    return new vscode.DiagnosticRelatedInformation(at, `${caller.text} (${basename(caller.file)}:${caller.line})`);
  });
  return diagnostic;
}

/** The code of a line, without the white space around it. */
function rangeOf({ file, line }: Place): vscode.Range {
  const text = lineIn(textOf(file), line) ?? '';
  const from = text.length - text.trimStart().length;
  return new vscode.Range(line - 1, from, line - 1, Math.max(from, text.trimEnd().length));
}

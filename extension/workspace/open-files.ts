import { setImmediate as nextTurn } from 'node:timers/promises';
import * as vscode from 'vscode';
import type { FoundApp, PythonFile } from '../target/app-code.ts';
import type { AppIndex } from './app-index.ts';
import { type Edit, lastGood, movedFile } from './code/moved.ts';

/** Longer texts are read in steps, between which the extension host does other work. */
const atOnceCharacters = 100_000;

interface Open {
  /** The last good reading, with its positions moved along by later edits. */
  readonly file: PythonFile;
  /** The version of the document that was read. */
  readonly version: number;
}

/**
 * The apps of documents as they are edited: where a text can't be read for the moment, those of its last good state.
 */
export function createOpenFiles(index: AppIndex) {
  const files = new Map<string, Open>();

  async function reading(document: vscode.TextDocument): Promise<PythonFile> {
    const key = document.uri.toString();
    const { readPythonFile, readPythonFileInSteps } = await index.reader();
    const known = files.get(key);
    const { version } = document;
    if (known?.version === version && !known.file.isDoubtful) return known.file;
    const text = document.getText();
    const read = text.length > atOnceCharacters ? await readPythonFileInSteps(text, nextTurn) : readPythonFile(text);
    const now = index.judged(document.uri, text, read);
    // Edited meanwhile: the positions are old, and the next question reads again.
    if (document.version !== version) return files.get(key)?.file ?? now;
    const file = lastGood(files.get(key)?.file, now);
    if (!document.isClosed) files.set(key, { file, version });
    return file;
  }

  const disposables = [
    vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
      const key = document.uri.toString();
      const known = files.get(key);
      if (!known) return;
      const file = contentChanges.reduce((moved, change) => movedFile(moved, editOf(document, change)), known.file);
      files.set(key, { ...known, file });
    }),
    vscode.workspace.onDidCloseTextDocument(({ uri }) => files.delete(uri.toString())),
  ];

  return {
    /** The apps of a document now; those that derive from other files' apps once the index has found them. */
    async apps(document: vscode.TextDocument): Promise<readonly FoundApp[]> {
      return index.appsWith(document.uri, await reading(document));
    },
    close() {
      for (const disposable of disposables) disposable.dispose();
    },
  };
}

export type OpenFiles = ReturnType<typeof createOpenFiles>;

function editOf(document: vscode.TextDocument, { range, text }: vscode.TextDocumentContentChangeEvent): Edit {
  const { line, character } = range.start;
  // The text before an edit is the same after it.
  const before = line < document.lineCount ? document.lineAt(line).text.slice(0, character) : '';
  return {
    line,
    isAtStart: before.trim() === '',
    endLine: range.end.line,
    added: text.split('\n').length - 1,
  };
}

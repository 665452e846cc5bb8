import type * as vscode from 'vscode';
import type { LineEdit } from './edits.ts';

type Change = Pick<vscode.TextDocumentContentChangeEvent, 'range' | 'text'>;

/** Changes that were made together, in lines, in the order in which they can be followed: the last one first. */
export function editsOf(document: vscode.TextDocument, changes: readonly Change[]): readonly LineEdit[] {
  const firstFirst = changes.toSorted(
    ({ range: { start: a } }, { range: { start: b } }) => a.line - b.line || a.character - b.character,
  );
  const edits: LineEdit[] = [];
  let moved = 0;
  let endOfLast = -1;
  // Commenting out a large file makes a change in each of its lines.
  for (const change of firstFirst) {
    const { start, end } = change.range;
    edits.push(editOf(document, change, start.line === endOfLast ? undefined : start.line + moved));
    moved += breaksIn(change.text) - (end.line - start.line);
    endOfLast = end.line;
  }
  return edits.reverse();
}

/** `at`: its first line in the document, which has all changes; `undefined`: another one ends in the same line. */
function editOf(document: vscode.TextDocument, { range, text }: Change, at: number | undefined): LineEdit {
  const { start, end } = range;
  const isAlone = at !== undefined;
  const line = isAlone && at < document.lineCount ? document.lineAt(at).text : '';
  const removesLines = text === '' && end.line > start.line;
  const beginsBlank = line.slice(0, start.character).trim() === '';
  const endsBlank = removesLines || /\n[ \t]*$/.test(text);
  return {
    file: document.uri.fsPath,
    line: start.line,
    endLine: end.line,
    added: breaksIn(text),
    isAbove: isAlone && beginsBlank && endsBlank && (range.isEmpty || end.character === 0),
    isBelow: isAlone && line.length === start.character && (/^\r?\n/.test(text) || removesLines),
  };
}

function breaksIn(text: string): number {
  return text.split('\n').length - 1;
}

import type * as vscode from 'vscode';
import type { LineEdit } from './edits.ts';

type Change = Pick<vscode.TextDocumentContentChangeEvent, 'range' | 'text'>;

/** Changes that were made together, in lines, in the order in which they can be followed: the last one first. */
export function editsOf(document: vscode.TextDocument, changes: readonly Change[]): readonly LineEdit[] {
  const lastFirst = changes.toSorted(
    ({ range: { start: a } }, { range: { start: b } }) => b.line - a.line || b.character - a.character,
  );
  return lastFirst.map((change, index) => editOf(document, change, lastFirst.slice(index + 1)));
}

/** The document has all changes; `above`: those in front of this one, which have moved it. */
function editOf(document: vscode.TextDocument, { range, text }: Change, above: readonly Change[]): LineEdit {
  const { start, end } = range;
  const at = above.reduce((line, one) => line + addedBy(one), start.line);
  const isAlone = above[0]?.range.end.line !== start.line;
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

function addedBy({ range: { start, end }, text }: Change): number {
  return breaksIn(text) - (end.line - start.line);
}

function breaksIn(text: string): number {
  return text.split('\n').length - 1;
}

import type * as vscode from 'vscode';
import type { LineEdit } from './edits.ts';

/** A change that the editor reports, in lines. */
export function editOf(
  document: vscode.TextDocument,
  { range, text }: Pick<vscode.TextDocumentContentChangeEvent, 'range' | 'text'>,
): LineEdit {
  const { start, end } = range;
  const line = start.line < document.lineCount ? document.lineAt(start.line).text : '';
  const removesLines = text === '' && end.line > start.line;
  const beginsBlank = line.slice(0, start.character).trim() === '';
  const endsBlank = removesLines || /\n[ \t]*$/.test(text);
  return {
    file: document.uri.fsPath,
    line: start.line,
    endLine: end.line,
    added: text.split('\n').length - 1,
    isAbove: beginsBlank && endsBlank && (range.isEmpty || end.character === 0),
    isBelow: line.length === start.character && (/^\r?\n/.test(text) || removesLines),
  };
}

import { expect, it } from 'vitest';
import type * as vscode from 'vscode';
import { editsOf } from './edit-of.ts';
import { movedLine } from './edits.ts';

type Change = readonly [line: number, character: number, endLine: number, endCharacter: number, text: string];

/** Where lines, from 1, are after changes that were made together; the editor reports the last one first. */
function moved(before: readonly string[], changes: readonly Change[], lines: readonly number[]) {
  const text = [...before];
  for (const [line, character, endLine, endCharacter, added] of changes) {
    const replaced = `${text[line]?.slice(0, character)}${added}${text[endLine]?.slice(endCharacter)}`;
    text.splice(line, endLine - line + 1, ...replaced.split('\n'));
  }
  const document = {
    uri: { fsPath: '/a.py' },
    lineCount: text.length,
    lineAt: (line: number) => ({ text: text[line] }),
  } as unknown as vscode.TextDocument;
  const events = changes.map(([line, character, endLine, endCharacter, added]) => {
    const [start, end] = [
      { line, character },
      { line: endLine, character: endCharacter },
    ];
    const isEmpty = line === endLine && character === endCharacter;
    return { range: { start, end, isEmpty }, text: added } as unknown as vscode.TextDocumentContentChangeEvent;
  });
  const edits = editsOf(document, events);
  return lines.map((line) => edits.reduce((at: number | undefined, edit) => at && movedLine(at, edit), line));
}

const code = ['import x', 'a = 1', 'bb = 22', '', 'print(a)', 'print(bb, a)'];

it('the end of a line that is broken by one of several cursors keeps its place', () => {
  const changes: Change[] = [
    [4, 8, 4, 8, '\n'],
    [1, 5, 1, 5, '\n'],
  ];
  expect(moved(code, changes, [2, 3, 5, 6])).toEqual([2, 4, 6, 8]);
});

it('lines that several cursors insert above move what is below', () => {
  const changes: Change[] = [
    [5, 0, 5, 0, '# two\n# lines\n'],
    [1, 0, 1, 0, '# one\n'],
  ];
  expect(moved(code, changes, [1, 2, 5, 6])).toEqual([1, 3, 6, 9]);
});

it('of two changes in one line, the line was edited', () => {
  const changes: Change[] = [
    [1, 5, 1, 5, '\n'],
    [1, 0, 1, 1, 'c'],
  ];
  expect(moved(code, changes, [2, 3])).toEqual([undefined, 4]);
});

it('one change is as the editor reports it', () => {
  expect(moved(code, [[4, 8, 4, 8, '\nprint(1)']], [5, 6])).toEqual([5, 7]);
});

it('a change in each line of a large file takes no time that grows with its square', () => {
  const lines = Array.from({ length: 20_000 }, (_, index) => `x = ${index}`);
  const changes = lines.map((_, index): Change => [lines.length - 1 - index, 0, lines.length - 1 - index, 0, '# ']);
  expect(moved(lines, changes, [1, 20_000])).toEqual([undefined, undefined]);
});

import { describe, expect, it } from 'vitest';
import type { PythonFile } from '../../target/app-code.ts';
import { readPythonFile } from '../../target/python-reader.ts';
import { type Edit, lastGood, movedFile } from './moved.ts';

const source = `import fal
class A(fal.App):
    keep_alive = 60
    @fal.endpoint("/")
    def a(self):
        return 1

    @fal.endpoint("/b")
    def b(self):
        return 2
`;

/** An edit of the text, and its description, as the editor reports it. */
function edited(from: readonly [number, number], to: readonly [number, number], text: string): [Edit, string] {
  const lines = source.split('\n');
  const offset = ([line, character]: readonly [number, number]) =>
    lines.slice(0, line).reduce((sum, one) => sum + one.length + 1, 0) + character;
  const after = source.slice(0, offset(from)) + text + source.slice(offset(to));
  const isAtStart = (lines[from[0]] ?? '').slice(0, from[1]).trim() === '';
  return [{ line: from[0], isAtStart, endLine: to[0], added: text.split('\n').length - 1 }, after];
}

describe('a file after an edit', () => {
  it.each<[string, [Edit, string]]>([
    ['a line above', edited([0, 0], [0, 0], '# a\n')],
    ['Enter at the end of a line', edited([2, 19], [2, 19], '\n    ')],
    ['Enter before a decorator', edited([3, 4], [3, 4], '\n    ')],
    ['Enter at the beginning of a line', edited([7, 0], [7, 0], '\n\n')],
    ['a comment removed', edited([5, 0], [6, 0], '')],
    ['an empty line removed', edited([6, 0], [7, 0], '')],
    ['lines replaced by more', edited([5, 0], [6, 0], '        x = 1\n        y = 2\n        return x\n')],
    ['a word changed', edited([4, 8], [4, 9], 'abc')],
    ['nothing that moves', edited([9, 8], [9, 14], 'yield')],
  ])('has the places that a new reading has: %s', (_, [edit, after]) => {
    expect(places(movedFile(readPythonFile(source), edit))).toEqual(places(readPythonFile(after)));
  });

  it('keeps removed places within the text', () => {
    const [edit] = edited([2, 0], [9, 0], '');
    const [app] = movedFile(readPythonFile(source), edit).classes;
    expect(app?.endpoints.map(({ line }) => line)).toEqual([2, 2]);
  });
});

function places({ classes }: PythonFile) {
  return classes.map(({ topLine, line, settings, endpoints }) => [
    topLine,
    line,
    ...settings.map((one) => one.line),
    ...endpoints.map((one) => [one.topLine, one.line]),
  ]);
}

describe('the reading to show', () => {
  const before = readPythonFile(source);
  const shown = (text: string) =>
    lastGood(before, readPythonFile(text)).classes.flatMap(({ name, endpoints }) => [
      name,
      ...endpoints.map((one) => one.method),
    ]);

  it.each(['x = (', 'x = [1, ', 'x = """', 'x = f(a, "', 'def ', 'if x', 'for x in', 'x = {', '@', 'class '])(
    'keeps every app and endpoint while %j is typed in the middle',
    (typed) => {
      for (const line of [1, 3, 5, 7]) {
        const lines = source.split('\n');
        const indent = /^\s*/.exec(lines[line] ?? '')?.[0] ?? '';
        expect([line, shown(lines.toSpliced(line, 0, indent + typed).join('\n'))]).toEqual([line, ['A', 'a', 'b']]);
      }
    },
  );

  it('is the new one when it reads well, with more or with less', () => {
    expect(shown(source.replace('    @fal.endpoint("/b")\n', ''))).toEqual(['A', 'a']);
    expect(shown(source.replace('"/b"', '"/c"').replace('def b', 'def c'))).toEqual(['A', 'a', 'c']);
  });

  it('is the new one when it has gained something, although it is doubtful', () => {
    const more = `${source}\n    @fal.endpoint("/c")\n    def c(self):\n        for x in *a, b: pass\n`;
    expect(shown(more)).toEqual(['A', 'a', 'b', 'c']);
  });
});

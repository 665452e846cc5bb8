import { expect, it } from 'vitest';
import { createTracebacks } from './tracebacks.ts';

const first = [
  'Traceback (most recent call last):',
  '  File "/w/app.py", line 5, in main',
  "    style['x']",
  '    ~~~~~^^^^^',
  "KeyError: 'x'",
];
const second = ['', 'During handling of the above exception, another exception occurred:', '', ...first];

/** What of the lines counts as output. */
function counted(lines: readonly string[], source = 'a'): readonly string[] {
  const partOf = createTracebacks();
  return lines.flatMap((line) => {
    const part = partOf(source, line);
    return part === 'inner' ? [] : [`${part}: ${line}`];
  });
}

it('a traceback is one output, its exception, also if others follow from it', () => {
  expect(counted(first)).toEqual(["exception: KeyError: 'x'"]);
  expect(counted([...first, ...second, ...second])).toEqual([
    "exception: KeyError: 'x'",
    "nextException: KeyError: 'x'",
    "nextException: KeyError: 'x'",
  ]);
});

it('the next traceback, and what is printed after one, is another output', () => {
  expect(counted(['before', ...first, 'after', ...first, ...first, '', 'after'])).toEqual([
    'none: before',
    "exception: KeyError: 'x'",
    'none: after',
    "exception: KeyError: 'x'",
    "exception: KeyError: 'x'",
    'none: after',
  ]);
});

it('lines of several runners are kept apart', () => {
  const partOf = createTracebacks();
  expect(partOf('a', first[0] ?? '')).toBe('inner');
  expect(partOf('b', '  indented')).toBe('none');
  expect(partOf('a', '  indented')).toBe('inner');
});

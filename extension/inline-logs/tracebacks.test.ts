import { expect, it } from 'vitest';
import { createTracebacks, exceptionText } from './tracebacks.ts';

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
    return part === 'inner' ? [] : [`${part}: ${part === 'none' ? line : exceptionText(line)}`];
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

it('a group of exceptions is one output, too, and what follows it is another one', () => {
  const group = [
    '  + Exception Group Traceback (most recent call last):',
    '  |   File "/w/app.py", line 4, in main',
    '  |     raise ExceptionGroup("two", [ValueError(1), error])',
    '  | ExceptionGroup: two (2 sub-exceptions)',
    '  +-+---------------- 1 ----------------',
    '    | ValueError: 1',
    '    +---------------- 2 ----------------',
    '    | Traceback (most recent call last):',
    '    |   File "/w/app.py", line 3, in main',
    "    | KeyError: 'x'",
    '    +------------------------------------',
  ];
  const exception = 'exception: ExceptionGroup: two (2 sub-exceptions)';
  expect(counted([...group, '  after', ...group, ...first])).toEqual([
    exception,
    'none:   after',
    exception,
    "exception: KeyError: 'x'",
  ]);
  expect(counted([...first, ...second.slice(0, 3), ...group])).toEqual([
    "exception: KeyError: 'x'",
    'nextException: ExceptionGroup: two (2 sub-exceptions)',
  ]);
});

it('a message of several lines belongs to its exception, as do others that follow from it', () => {
  const partOf = createTracebacks();
  const parts = [...first, ...second].flatMap((line) => [
    partOf('a', line),
    ...(line.startsWith('KeyError') ? [partOf('a', 'more', true), partOf('a', 'and more', true)] : []),
  ]);
  expect(parts.filter((part) => part !== 'inner')).toEqual([
    'exception',
    'rest',
    'rest',
    'nextException',
    'rest',
    'rest',
  ]);
  expect(partOf('a', 'after')).toBe('none');
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

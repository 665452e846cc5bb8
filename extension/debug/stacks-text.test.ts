import { expect, it } from 'vitest';
import type { RunnerStacks } from '../target/debug.ts';
import { stackLinks, stacksText } from './stacks-text.ts';

type Thread = RunnerStacks['threads'][number];
const frame = (file: string, line: number, user = false) => ({ file, line, function: 'work', user });
const thread = (name: string, more: Partial<Thread> = {}): Thread => ({
  ...{ name, daemon: false, idle: false, request: null, frames: [frame('/usr/lib/python3.11/threading.py', 5)] },
  ...more,
});

it('shows what works on requests first, then the code of the app, and what waits last', () => {
  const threads = [
    thread('waiting', { idle: true }),
    thread('library'),
    thread('own', { frames: [frame('/w/my app.py', 12, true)] }),
    thread('busy', { request: 'q-7' }),
  ];
  expect(
    stacksText(
      { threads },
      { runner: 'runner 1 of hello', at: '20:44:09', requestOf: (id) => id.replace('q-', '#') },
    ).split('\n'),
  ).toEqual([
    'runner 1 of hello at 20:44:09',
    '',
    'Thread busy · #7',
    '  File "/usr/lib/python3.11/threading.py", line 5, in work',
    '',
    'Thread own',
    '> File "/w/my app.py", line 12, in work',
    '',
    'Thread library',
    '  File "/usr/lib/python3.11/threading.py", line 5, in work',
    '',
    'Thread waiting · waits',
    '  File "/usr/lib/python3.11/threading.py", line 5, in work',
    '',
  ]);
});

it('is one line for each thread and frame, whatever they are called', () => {
  const odd = { file: '/w/a\n.py', line: 3, function: 'f\u202e', user: true };
  const text = stacksText(
    { threads: [thread('\u001b[31m\n> File "/etc/passwd", line 1, in x', { frames: [odd] })] },
    { runner: 'runner 1', at: '20:44:09', requestOf: (id) => id },
  );
  expect(text.split('\n').slice(2)).toEqual([
    'Thread \\x1b[31m\\n> File "/etc/passwd", line 1, in x',
    '> File "/w/a\\n.py", line 3, in f\\u202e',
    '',
  ]);
  expect(stackLinks(text)).toHaveLength(1);
});

it('links each place that is a file, and nothing else', () => {
  const text = [
    'Thread File "/no.py", line 1, in x',
    '> File "/w/my app.py", line 12, in work',
    '  File "<dynamic-code>", line 3, in setup',
    '  File "C:\\w\\app.py", line 4, in setup',
  ];
  expect(stackLinks(text.join('\n'))).toEqual([
    { row: 1, start: 2, end: text[1]?.indexOf(', in'), file: '/w/my app.py', line: 12 },
    { row: 3, start: 2, end: text[3]?.indexOf(', in'), file: 'C:\\w\\app.py', line: 4 },
  ]);
});

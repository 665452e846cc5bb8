import { describe, expect, it } from 'vitest';
import { type Ending, exitReason, signalName } from './exit.ts';

const plain: Ending = {
  code: null,
  signal: null,
  asked: 'nothing',
  ready: true,
  returned: false,
  failure: null,
  lastException: null,
  place: null,
  advice: null,
};

describe('exitReason', () => {
  const table: readonly [string, Partial<Ending>, string][] = [
    ['an exit code', { code: 3 }, "The runner's process exited with code 3."],
    [
      'an exception before ready',
      { code: 1, ready: false, failure: 'RuntimeError: no weights' },
      "The runner's process exited with code 1 before it was ready: RuntimeError: no weights",
    ],
    [
      'an exception that an app server caught',
      { code: 3, ready: false, lastException: 'RuntimeError: no weights' },
      "The runner's process exited with code 3 before it was ready; the last exception: RuntimeError: no weights",
    ],
    [
      'where an exception before ready was raised',
      { code: 1, ready: false, failure: 'KeyError: 1', place: { file: '/home/me/app.py', line: 12 } },
      "The runner's process exited with code 1 before it was ready: KeyError: 1 (/home/me/app.py, line 12)",
    ],
    [
      'a place without an exception',
      { code: 1, ready: false, place: { file: '/home/me/app.py', line: 12 } },
      "The runner's process exited with code 1 before it was ready.",
    ],
    [
      'advice before ready',
      { code: 1, ready: false, lastException: 'E: x', advice: 'Do this.' },
      "The runner's process exited with code 1 before it was ready; the last exception: E: x. Do this.",
    ],
    ['advice of an earlier time', { code: 1, advice: 'Do this.' }, "The runner's process exited with code 1."],
    ['an exception of an earlier time', { code: 3, lastException: 'E: x' }, "The runner's process exited with code 3."],
    [
      'a function that serves nothing',
      { code: 0, ready: false, returned: true },
      'The function returned instead of serving. A deployed function must serve: give it `serve=True`, or ' +
        '`exposed_port` and a server that keeps running (or call it with `fal run`).',
    ],
    ['a server that ends', { code: 0, returned: true }, "The runner's process exited with code 0."],
    ['SIGTERM as requested', { signal: 15, asked: 'terminate' }, 'The runner ended by SIGTERM, as requested.'],
    ['SIGKILL as requested', { signal: 9, asked: 'kill' }, 'The runner was killed, as requested.'],
  ];
  it.each(table)('words %s', (_, ending, sentence) => {
    expect(exitReason({ ...plain, ...ending })).toBe(sentence);
  });

  it('ends as the SDK expects it after an unrequested SIGKILL', () => {
    expect(exitReason({ ...plain, signal: 9 })).toMatch(/died with <Signals\.SIGKILL: 9>\.`$/);
    expect(exitReason({ ...plain, signal: 9, asked: 'terminate' })).toMatch(/died with <Signals\.SIGKILL: 9>\.`$/);
  });

  it('names other signals the same way', () => {
    expect(exitReason({ ...plain, signal: 11 })).toMatch(/died with <Signals\.SIGSEGV: 11>\.`$/);
  });
});

describe('signalName', () => {
  it('maps numbers to names and keeps null', () => {
    expect(signalName(15)).toBe('SIGTERM');
    expect(signalName(null)).toBeNull();
    expect(signalName(63)).toBe('signal 63');
  });
});

import { describe, expect, it } from 'vitest';
import { type Ending, exitReason } from '../../emulator/engines/exit.ts';
import { cause, wasRequested } from './cause.ts';

const ending: Ending = {
  code: 3,
  signal: null,
  asked: 'nothing',
  ready: false,
  returned: false,
  failure: null,
  lastException: null,
  place: null,
  advice: null,
};

describe('the cause in a sentence of the platform', () => {
  it.each([
    [{ lastException: 'RuntimeError: No weights.', place: { file: '/w/app.py', line: 46 } }, 'No weights. (app.py:46)'],
    [{ failure: 'its port was taken.' }, 'its port was taken.'],
    [{}, 'exit code 3'],
    [{ ready: true, code: 1 }, 'exit code 1'],
    [{ signal: 15, asked: 'terminate' }, 'as requested'],
    [{ signal: 9, asked: 'kill' }, 'as requested'],
    [{ signal: 9, asked: 'nothing' }, 'died with SIGKILL'],
  ])('is what remains of the end of a process: %j', (change, expected) => {
    const text = cause(exitReason({ ...ending, ...change } as Ending));
    expect(text.replace(/^RuntimeError: /, '')).toBe(expected);
  });

  it('is no news if the app was deleted', () => {
    const deleted = 'The runner belongs to a deleted application.';
    expect([wasRequested(deleted), cause(deleted)]).toEqual([true, 'its app was deleted']);
  });

  it('is the first line, and other sentences stay as they are', () => {
    expect(cause('The last start failed: no weights\n  at line 3')).toBe('no weights');
    expect(cause('The image has no Python (a, b).')).toBe('The image has no Python (a, b).');
  });
});

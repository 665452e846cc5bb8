import { describe, expect, it } from 'vitest';
import { createExceptionReader } from './last-exception.ts';

function lastOf(text: string): string | null {
  const reader = createExceptionReader();
  for (const line of text.split('\n')) reader.read(line);
  return reader.last();
}
const traceback = (exception: string) => `Traceback (most recent call last):
  File "app.py", line 3, in setup
    raise ValueError
${exception}`;

describe('the last exception of a starting runner', () => {
  it.each([
    [
      `INFO: Started\nERROR:    ${traceback('RuntimeError: no weights')}\n\nERROR:    Exiting.`,
      'RuntimeError: no weights',
    ],
    [`${traceback("KeyError: 'a'")}\n\nDuring handling of it:\n\n${traceback('app.OwnError: b')}`, 'app.OwnError: b'],
    [
      `${traceback('KeyError: 1')}\n${traceback('asyncio.exceptions.CancelledError')}\n${traceback('SystemExit: 3')}`,
      'KeyError: 1',
    ],
    [traceback('KeyboardInterrupt'), 'KeyboardInterrupt'],
    [`${traceback('ValueError: a')}\nof two lines\nKeyError: not this`, 'ValueError: a'],
    [traceback(`ValueError: ${'x'.repeat(1_000)}`), `ValueError: ${'x'.repeat(488)}`],
    [
      `  + Exception Group Traceback (most recent call last):
  |   File "app.py", line 3, in setup
  |     async with asyncio.TaskGroup() as group:
  | ExceptionGroup: unhandled errors in a TaskGroup (2 sub-exceptions)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "app.py", line 9, in load
    | ValueError: no weights
    +---------------- 2 ----------------
    | Traceback (most recent call last):
    |   File "app.py", line 12, in load
    | RuntimeError: no tokenizer
    +------------------------------------

ERROR:    Application startup failed. Exiting.`,
      'ValueError: no weights',
    ],
    [
      `  + Exception Group Traceback (most recent call last):
  | ExceptionGroup: two (2 sub-exceptions)
  +-+---------------- 1 ----------------
    | Exception Group Traceback (most recent call last):
    | ExceptionGroup: inner (1 sub-exception)
    +-+---------------- 1 ----------------
      | Traceback (most recent call last):
      | KeyError: 'inner'
      +------------------------------------
    +---------------- 2 ----------------
    | Traceback (most recent call last):
    | RuntimeError: second
    +------------------------------------
${traceback('OSError: later')}`,
      'OSError: later',
    ],
    ['ValueError: printed without a traceback', null],
    [traceback('   '), null],
  ])('%j', (text, expected) => {
    expect(lastOf(text)).toBe(expected);
  });
});

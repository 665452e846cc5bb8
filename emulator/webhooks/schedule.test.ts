import { describe, expect, it } from 'vitest';
import { maxRetries, nextAttemptAt, timeoutMs } from './schedule.ts';

const second = 1000;
const minute = 60 * second;

describe('the schedule of a webhook', () => {
  it.each([
    [0, 15 * second],
    [1, 120 * second],
    [31, 120 * second],
  ])('after %i attempts the next may take %i ms', (attempts, expected) => {
    expect(timeoutMs(attempts)).toBe(expected);
  });

  it.each([
    { what: 'the first pause is short', attempts: 1, resultBytes: 10, now: 0, next: 5 * second },
    { what: 'pauses double', attempts: 3, resultBytes: 10, now: minute, next: minute + 20 * second },
    { what: 'up to two minutes', attempts: 20, resultBytes: 10, now: 30 * minute, next: 32 * minute },
    { what: 'the last retry', attempts: 31, resultBytes: 10, now: 30 * minute, next: 32 * minute },
    { what: 'none after 31 retries', attempts: 32, resultBytes: 10, now: 30 * minute, next: undefined },
    {
      what: 'none after the hour of a small result',
      attempts: 9,
      resultBytes: 10_239,
      now: 59 * minute,
      next: undefined,
    },
    {
      what: 'within the six minutes of a large one',
      attempts: 5,
      resultBytes: 10_240,
      now: 4 * minute,
      next: 5 * minute + 20 * second,
    },
    { what: 'not after them', attempts: 5, resultBytes: 10_240, now: 5 * minute, next: undefined },
  ])('$what', ({ attempts, resultBytes, now, next }) => {
    expect(nextAttemptAt({ completedAt: 0, resultBytes, attempts }, now)).toBe(next);
  });

  it('allows all 31 retries of a small result when each fails immediately', () => {
    let now = 0;
    let attempts = 1;
    for (let at = nextAttemptAt({ completedAt: 0, resultBytes: 1, attempts }, now); at !== undefined; ) {
      now = at;
      attempts++;
      at = nextAttemptAt({ completedAt: 0, resultBytes: 1, attempts }, now);
    }
    expect(attempts).toBe(maxRetries + 1);
  });
});

import { describe, expect, it } from 'vitest';
import { type Reason, reasonCodes, reasonSchema, wordReason } from './reasons.ts';

const reason = (fields: Partial<Reason>): Reason => ({
  code: 'no_runner',
  numbers: {},
  since: 1_000,
  until: null,
  evidence: null,
  action: null,
  also: null,
  ...fields,
});

/** The table tests of the scheduler have the words of each reason as it is made there. */
describe('the words of a reason', () => {
  it('are one sentence for each code, even if numbers are missing', () => {
    for (const code of reasonCodes) {
      const words = wordReason(reasonSchema.parse(reason({ code })), { now: 2_000, timeScale: 1 });
      expect(words).toMatch(/^[A-Z].*\.$/);
      expect(words).not.toMatch(/undefined|NaN|null/);
    }
  });

  it('name the runner by its number, count in seconds of the platform, and say how many are ahead', () => {
    const setup = reason({ code: 'runner_setup', numbers: { runner: 2 } });
    const words = (timeScale: number, ahead = 0) => wordReason(setup, { now: 43_500, timeScale, ahead });
    expect(words(1)).toBe('Runner 2 has been in SETUP for 42 s.');
    expect(words(60)).toBe('Runner 2 has been in SETUP for 2550 s (x60).');
    expect(words(1, 1)).toBe('Runner 2 has been in SETUP for 42 s; 1 request is ahead.');
    expect(words(1, 7)).toBe('Runner 2 has been in SETUP for 42 s; 7 requests are ahead.');
  });

  it('count down to an instant, and never below zero', () => {
    const waits = reason({ code: 'start_failures', numbers: { failures: 2 }, until: 31_000, evidence: 'no weights' });
    const words = (now: number, timeScale = 1) => wordReason(waits, { now, timeScale });
    expect(words(1_000)).toBe('Retrying in 30 s after 2 failed starts: no weights.');
    expect(words(30_001)).toBe('Retrying in 1 s after 2 failed starts: no weights.');
    expect(words(40_000)).toBe('Retrying in 0 s after 2 failed starts: no weights.');
    expect(words(30_500, 60)).toBe('Retrying in 30 s (x60) after 2 failed starts: no weights.');
  });
});

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { later, longestTimerMs, timerMs } from './timers.ts';

describe('later', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it.each([0, 1_000, longestTimerMs, longestTimerMs * 2.5])('calls after %i ms and not before', (delayMs) => {
    const run = vi.fn();
    later(delayMs, run);
    for (let left = delayMs - 1; left > 0; left -= longestTimerMs)
      vi.advanceTimersByTime(Math.min(left, longestTimerMs));
    expect(run).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(run).toHaveBeenCalledOnce();
  });

  it('does not call after it was cancelled, also in its second part', () => {
    const run = vi.fn();
    const callOff = later(longestTimerMs * 2, run);
    vi.advanceTimersByTime(longestTimerMs + 1);
    callOff();
    vi.advanceTimersByTime(longestTimerMs);
    vi.advanceTimersByTime(longestTimerMs);
    expect(run).not.toHaveBeenCalled();
  });
});

describe('timerMs', () => {
  it.each([
    [0, 0],
    [-5, 0],
    [1.5, 1_500],
    [10_000_000, longestTimerMs],
    [Number.MAX_SAFE_INTEGER, longestTimerMs],
  ])('makes %d s to %d ms', (seconds, ms) => {
    expect(timerMs(seconds)).toBe(ms);
  });
});

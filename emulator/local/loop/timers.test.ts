import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { later, maxTimerMs, timerMs } from './timers.ts';

describe('later', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it.each([0, 1_000, maxTimerMs, maxTimerMs * 2.5])('calls after %i ms and not before', (delayMs) => {
    const run = vi.fn();
    later(delayMs, run);
    for (let left = delayMs - 1; left > 0; left -= maxTimerMs) vi.advanceTimersByTime(Math.min(left, maxTimerMs));
    expect(run).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(run).toHaveBeenCalledOnce();
  });

  it('does not call after it was cancelled, also in its second part', () => {
    const run = vi.fn();
    const cancel = later(maxTimerMs * 2, run);
    vi.advanceTimersByTime(maxTimerMs + 1);
    cancel();
    vi.advanceTimersByTime(maxTimerMs);
    vi.advanceTimersByTime(maxTimerMs);
    expect(run).not.toHaveBeenCalled();
  });
});

describe('timerMs', () => {
  it.each([
    [0, 0],
    [-5, 0],
    [1.5, 1_500],
    [10_000_000, maxTimerMs],
    [Number.MAX_SAFE_INTEGER, maxTimerMs],
  ])('makes %d s to %d ms', (seconds, ms) => {
    expect(timerMs(seconds)).toBe(ms);
  });
});

/** `setTimeout` takes 31 bits of milliseconds; a longer delay would fire at once. */
export const maxTimerMs = 2 ** 31 - 1;

/** A duration from an app, a request or a file, limited to what `setTimeout` takes: at most 24 days. */
export function timerMs(seconds: number): number {
  return Math.min(Math.max(0, seconds * 1000), maxTimerMs);
}

/** Calls `run` after `delayMs`, of any length; returns a function that cancels it. */
export function later(delayMs: number, run: () => void): () => void {
  const wait = Math.min(delayMs, maxTimerMs);
  let cancel = () => clearTimeout(timer);
  const timer = setTimeout(() => {
    if (delayMs > wait) cancel = later(delayMs - wait, run);
    else run();
  }, wait);
  return () => cancel();
}

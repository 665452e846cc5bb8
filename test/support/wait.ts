import { setTimeout as delay } from 'node:timers/promises';

/**
 * Calls `probe` repeatedly until it returns something other than `undefined` or `false`, and returns that.
 * @param what completes "gave up waiting until …" when `timeoutMs` have passed
 */
export async function until<T>(
  what: string,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  { timeoutMs = 30_000, everyMs = 50 } = {},
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const found = await probe();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`gave up after ${timeoutMs} ms waiting until ${what}`);
    await delay(everyMs);
  }
}

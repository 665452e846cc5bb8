/**
 * When a webhook is called, and how long one call may take, according to the later text of
 * docs/platform/gateway.md#webhooks. Pure.
 */

const secondMs = 1000;
const minuteMs = 60 * secondMs;
/** Maximum number of attempts after the first one. */
export const maxRetries = 31;
export const maxPauseMs = 2 * minuteMs;
/** Results of this size or larger are kept for a shorter time. */
const largeResultBytes = 10 * 1024;

/** `attempts`: number of attempts already made. */
export function timeoutMs(attempts: number): number {
  return attempts === 0 ? 15 * secondMs : 120 * secondMs;
}

/** No attempt begins after this instant: the stored result has expired. */
export function expiresAt({ completedAt, resultBytes }: Delivery): number {
  return completedAt + (resultBytes < largeResultBytes ? 60 * minuteMs : 6 * minuteMs);
}

export interface Delivery {
  /** Milliseconds since the epoch. */
  readonly completedAt: number;
  readonly resultBytes: number;
  /** Number of attempts made. */
  readonly attempts: number;
}

/**
 * The instant of the next attempt after one that failed at `now`; `undefined`: that was the last one. The pauses are 5
 * s, doubling up to 2 min (assumed: only "back-off" is documented; with these pauses all 31 retries fit into the hour
 * if they fail immediately).
 */
export function nextAttemptAt(delivery: Delivery, now: number): number | undefined {
  const { attempts } = delivery;
  if (attempts > maxRetries) return undefined;
  const at = now + Math.min(5 * secondMs * 2 ** Math.max(0, attempts - 1), maxPauseMs);
  return at <= expiresAt(delivery) ? at : undefined;
}

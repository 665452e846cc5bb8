import { setTimeout as delay } from 'node:timers/promises';
import type { RunnerAddress, RunnerSpec } from '../engine.ts';
import { acceptsConnections, probeHealth } from './health.ts';

/** How often the port of a server is tried that doesn't report when it listens. */
const portPollMs = 100;
const longWaitMs = 3_600_000;
const minRetryMs = 20;
const maxRetryMs = 500;
/** So is a server seen late by at most this part of the time that it has taken. */
const retryShare = 0.05;

/**
 * Resolves to the address once the port is open and one health probe passed; `null` when `signal` fires first.
 * It has no limit of its own: startup_timeout is the scheduler's. `guess`: the expected address of a server that
 * `listening` doesn't report; null: it reports every server. `secretNow`: the secret that the server requires, as far
 * as it is known; a server reports that before it listens, but its open port may be seen first. `onPort`: see
 * `probeHealth`.
 */
export async function untilHealthy(
  guess: RunnerAddress | null,
  listening: Promise<RunnerAddress>,
  health: RunnerSpec['health'],
  signal: AbortSignal,
  secretNow: () => Pick<RunnerAddress, 'secret'>,
  onPort: (port: number) => void,
): Promise<RunnerAddress | null> {
  const began = performance.now();
  let isReported = false;
  const reported = listening.then(() => {
    isReported = true;
  });
  try {
    const open = await untilOpen(guess, listening, signal);
    while (!signal.aborted) {
      const address = { ...open, ...secretNow() };
      const found = await probeHealth(address, health, health.timeoutSeconds, onPort);
      if (found === 'healthy') return signal.aborted ? null : address;
      const taken = performance.now() - began;
      const pause = delay(Math.min(Math.max(taken * retryShare, minRetryMs), maxRetryMs), undefined, { signal });
      await (isReported ? pause : Promise.race([pause, reported]));
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return null;
}

async function untilOpen(
  guess: RunnerAddress | null,
  listening: Promise<RunnerAddress>,
  signal: AbortSignal,
): Promise<RunnerAddress> {
  while (true) {
    if (guess !== null && (await acceptsConnections(guess)) === 'healthy') return guess;
    const found = await Promise.race([listening, delay(guess === null ? longWaitMs : portPollMs, null, { signal })]);
    if (found !== null) return found;
  }
}

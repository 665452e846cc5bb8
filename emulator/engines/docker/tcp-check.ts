import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { isOutOfDescriptors } from '../../local/descriptors.ts';
import { timerMs } from '../../local/loop/timers.ts';
import type { RunnerAddress } from '../engine.ts';
import { acceptsConnections } from '../health/health.ts';

/** How long the engine's proxy may take to find out that nothing listens in the container. */
const heldMs = 300;

/**
 * Whether a server in a container accepts connections at its published port. The engine's proxy accepts each of them,
 * and closes it at once if the server refuses it. Never rejects.
 */
export function holdsConnections({ host, port }: RunnerAddress, timeoutSeconds: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: timerMs(timeoutSeconds) });
    let held: NodeJS.Timeout | undefined;
    const end = (accepted: boolean): void => {
      clearTimeout(held);
      socket.destroy();
      resolve(accepted);
    };
    socket.once('connect', () => {
      held = setTimeout(() => end(true), heldMs);
    });
    socket.once('data', () => end(true));
    socket.once('end', () => end(false));
    socket.once('timeout', () => end(false));
    socket.once('error', (error) => end(isOutOfDescriptors(error)));
  });
}

const closingPollMs = 5;

/**
 * Resolves when nobody accepts connections there: the engine keeps the port of a container that has ended open for a
 * moment. Gives up when `signal` fires.
 */
export async function untilClosed(address: RunnerAddress, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && (await acceptsConnections(address)) === 'healthy') {
    await delay(closingPollMs, undefined, { ref: false });
  }
}

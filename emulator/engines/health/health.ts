import { request } from 'node:http';
import { connect } from 'node:net';
import { isOutOfDescriptors } from '../../local/descriptors.ts';
import { timerMs } from '../../local/loop/timers.ts';
import type { RunnerAddress, RunnerSpec } from '../engine.ts';
import { passOf } from '../pass.ts';

/** Lets a runner distinguish checks from calls (runner/inside/request_limit.py). */
const healthAgent = 'minifal-health-check';

/** `unknown`: the check could not be sent, because we had no free descriptor. It says nothing about the runner. */
export type Health = 'healthy' | 'unhealthy' | 'unknown';

/**
 * One health probe (docs/platform/runner-process.md#health): the declared path with its method must answer 2xx; without
 * one GET /health may also be unknown (404, 405), and a server that doesn't speak HTTP is healthy because its port is
 * open. `onPort`: our end's port, before anything is sent. Never rejects.
 */
export async function probeHealth(
  address: RunnerAddress,
  health: Pick<RunnerSpec['health'], 'path' | 'method'>,
  timeoutSeconds: number,
  onPort: (port: number) => void = () => undefined,
): Promise<Health> {
  const declared = health.path !== null;
  const method = declared ? health.method : 'GET';
  const body = method === 'POST' ? '{}' : undefined;
  try {
    return await new Promise<Health>((resolve) => {
      const probe = request(
        {
          host: address.host,
          port: address.port,
          path: probedTarget(health.path),
          method,
          agent: false,
          headers: {
            ...Object.fromEntries(passOf(address)),
            'user-agent': healthAgent,
            ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': body.length }),
          },
        },
        (response) => {
          const status = response.statusCode ?? 0;
          response.destroy();
          const healthy = (status >= 200 && status < 300) || (!declared && (status === 404 || status === 405));
          resolve(healthy ? 'healthy' : 'unhealthy');
        },
      );
      // Done manually: `AbortSignal.timeout` would keep each probe in memory until the time is over.
      const late = setTimeout(() => probe.destroy(), timerMs(timeoutSeconds));
      probe.on('error', (error: NodeJS.ErrnoException) => {
        if (isOutOfDescriptors(error)) return resolve('unknown');
        resolve(!declared && (error.code ?? '').startsWith('HPE_') ? 'healthy' : 'unhealthy');
      });
      probe.on('close', () => {
        clearTimeout(late);
        resolve('unhealthy');
      });
      probe.on('socket', (socket) => socket.once('connect', () => onPort(socket.localPort ?? 0)));
      probe.end(body);
    });
  } catch {
    return 'unhealthy';
  }
}

/** The request target of a declared path. It is written like the app's routes: unescaped. */
export function probedTarget(path: string | null): string {
  return encodeURI((path ?? '/health').toWellFormed()).replaceAll('#', '%23');
}

/** Whether a server accepts connections there. Never rejects. */
export async function acceptsConnections(address: RunnerAddress, timeoutSeconds = 5): Promise<Health> {
  try {
    return await new Promise<Health>((resolve) => {
      const socket = connect({ host: address.host, port: address.port, timeout: timerMs(timeoutSeconds) });
      const end = (accepted: Health): void => {
        socket.destroy();
        resolve(accepted);
      };
      socket.once('connect', () => end('healthy'));
      socket.once('timeout', () => end('unhealthy'));
      socket.once('error', (error) => end(isOutOfDescriptors(error) ? 'unknown' : 'unhealthy'));
    });
  } catch {
    return 'unhealthy';
  }
}

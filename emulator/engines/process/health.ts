import { request } from 'node:http';
import { connect } from 'node:net';
import { isOutOfDescriptors } from '../../wire/descriptors.ts';
import type { RunnerAddress, RunnerSpec } from '../engine.ts';

/** `unknown`: the question could not even be asked, for want of a descriptor of ours. It says nothing about the runner. */
export type Health = 'healthy' | 'unhealthy' | 'unknown';

/**
 * One health probe (runner-process.md §4.1): the declared path with its method must answer 2xx; without one GET /health
 * may also be unknown (404, 405), and a server that doesn't speak HTTP is healthy because its port is open.
 * Never rejects.
 */
export function probeHealth(
  address: RunnerAddress,
  health: Pick<RunnerSpec['health'], 'path' | 'method'>,
  timeoutSeconds: number,
): Promise<Health> {
  const declared = health.path !== null;
  const method = declared ? health.method : 'GET';
  const body = method === 'POST' ? '{}' : undefined;
  return new Promise((resolve) => {
    const probe = request(
      {
        host: address.host,
        port: address.port,
        path: health.path ?? '/health',
        method,
        agent: false,
        signal: AbortSignal.timeout(timeoutSeconds * 1000),
        headers: body === undefined ? {} : { 'content-type': 'application/json', 'content-length': body.length },
      },
      (response) => {
        const status = response.statusCode ?? 0;
        response.destroy();
        const healthy = (status >= 200 && status < 300) || (!declared && (status === 404 || status === 405));
        resolve(healthy ? 'healthy' : 'unhealthy');
      },
    );
    probe.on('error', (error: NodeJS.ErrnoException) => {
      if (isOutOfDescriptors(error)) return resolve('unknown');
      resolve(!declared && (error.code ?? '').startsWith('HPE_') ? 'healthy' : 'unhealthy');
    });
    probe.end(body);
  });
}

/** Whether something accepts connections there. Never rejects. */
export function acceptsConnections(address: RunnerAddress, timeoutSeconds = 5): Promise<Health> {
  return new Promise((resolve) => {
    const socket = connect({ host: address.host, port: address.port, timeout: timeoutSeconds * 1000 });
    const end = (accepted: Health): void => {
      socket.destroy();
      resolve(accepted);
    };
    socket.once('connect', () => end('healthy'));
    socket.once('timeout', () => end('unhealthy'));
    socket.once('error', (error) => end(isOutOfDescriptors(error) ? 'unknown' : 'unhealthy'));
  });
}

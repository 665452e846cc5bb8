import { request } from 'node:http';
import { connect } from 'node:net';
import type { RunnerAddress, RunnerSpec } from '../engine.ts';

/**
 * One health probe (runner-process.md §4.1): the declared path with its method must answer 2xx; without one GET /health
 * may also be unknown (404, 405), and a server that doesn't speak HTTP is healthy because its port is open.
 * Never rejects.
 */
export function probeHealth(
  address: RunnerAddress,
  health: Pick<RunnerSpec['health'], 'path' | 'method'>,
  timeoutSeconds: number,
): Promise<boolean> {
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
        resolve((status >= 200 && status < 300) || (!declared && (status === 404 || status === 405)));
      },
    );
    probe.on('error', (error: NodeJS.ErrnoException) => resolve(!declared && (error.code ?? '').startsWith('HPE_')));
    probe.end(body);
  });
}

/** Whether something accepts connections there. Never rejects. */
export function acceptsConnections(address: RunnerAddress, timeoutSeconds = 5): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address.host, port: address.port, timeout: timeoutSeconds * 1000 });
    const end = (accepted: boolean): void => {
      socket.destroy();
      resolve(accepted);
    };
    socket.once('connect', () => end(true));
    socket.once('timeout', () => end(false));
    socket.once('error', () => end(false));
  });
}

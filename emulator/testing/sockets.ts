import type { ClientHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';

/**
 * Resolves when the connection is closed, also by a reset, on which `events.once` rejects. Discards what arrives.
 */
export function closed(connection: Socket | ClientHttp2Session): Promise<void> {
  return new Promise((resolve) => {
    // A session is `closed` as soon as it accepts no more streams.
    if ('resume' in connection ? connection.closed : connection.destroyed) return resolve();
    connection.on('error', () => undefined).once('close', () => resolve());
    if ('resume' in connection) connection.resume();
  });
}

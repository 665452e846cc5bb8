import type { Socket } from 'node:net';

/** Resolves when `socket` is closed, also by a reset, on which `events.once` rejects. Discards what arrives. */
export function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.closed) return resolve();
    socket.on('error', () => undefined).once('close', () => resolve());
    socket.resume();
  });
}

import { closeSync, openSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';

/** Unix sockets in one folder. */
export interface Sockets {
  /** Makes one, and passes on who connects to it. */
  listen(name: string, take: (socket: Socket) => void): Promise<void>;
  /** Closes all, with their connections. */
  close(): void;
}

/** Every user may connect: who reaches the folder is decided by the folders above it. */
export function socketsIn(folder: string): Sockets {
  // The kernel takes only short paths for sockets, and a data folder may have a long one.
  let descriptor = process.platform === 'linux' ? openSync(folder, 'r') : null;
  const within = descriptor === null ? folder : `/proc/self/fd/${descriptor}`;
  const closers = new Set<() => void>();

  return {
    listen(name, take) {
      const server = createServer({ allowHalfOpen: true }, (socket) => {
        const destroy = () => void socket.destroy();
        closers.add(destroy);
        socket.on('error', destroy).once('close', () => closers.delete(destroy));
        take(socket);
      });
      return new Promise((resolve, reject) => {
        // Also later, when the system has no descriptor left for a connection: that one is closed.
        server.on('error', reject);
        server.listen({ path: join(within, name), readableAll: true, writableAll: true }, () => {
          closers.add(() => void server.close());
          resolve();
        });
      });
    },
    close() {
      for (const close of closers) close();
      closers.clear();
      if (descriptor !== null) closeSync(descriptor);
      descriptor = null;
    },
  };
}

/** Carries a connection on to one of our own ports. */
export function carryTo(port: number, socket: Socket): void {
  const other = connect({ host: '127.0.0.1', port, allowHalfOpen: true, noDelay: true });
  other.on('error', () => other.destroy());
  follow(socket, other);
  follow(other, socket);
  socket.pipe(other).pipe(socket);
}

/** When one end is gone, so is the other; after a complete exchange, it is still sent what it has to get. */
function follow(gone: Socket, other: Socket): void {
  gone.once('close', () => {
    if (!gone.readableEnded || !gone.writableFinished) other.destroy();
  });
}

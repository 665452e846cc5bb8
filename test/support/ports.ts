import { createServer } from 'node:net';

/**
 * First of four consecutive free ports, outside the range that the system hands out to outgoing connections.
 * @param from where to begin: behind an earlier block that isn't in use yet
 */
export async function freePortBlock(from = 20_000 + (process.pid % 1000) * 8): Promise<number> {
  for (let first = from; first < 32_000; first += 4) {
    const free = await Promise.all([0, 1, 2, 3].map((offset) => isFree(first + offset)));
    if (free.every(Boolean)) return first;
  }
  throw new Error('no four consecutive free ports between 20000 and 32000');
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { createRunnerConnections } from '../connections.ts';
import type { Links } from '../upstream.ts';
import { createWriteBatches } from '../write-batches.ts';

/** State that the exchanges of a test share. */
export function testLinks(): Links {
  return { connections: createRunnerConnections(), writeBatches: createWriteBatches() };
}

/** A real HTTP server in place of a runner's, until the test has finished. */
export async function testRunner(app: RequestListener) {
  const sockets: Socket[] = [];
  const server = createServer(app).listen(0, '127.0.0.1');
  server.on('connection', (socket) => sockets.push(socket));
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  return { server, sockets, address: { host: '127.0.0.1', port } };
}

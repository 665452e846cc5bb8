import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { testFolder } from '../../store/testing/folder.ts';
import { carryTo, socketsIn } from './sockets.ts';

/** A server of ours behind a socket; `taken`: its end of the next connection. */
async function setUp() {
  const folder = testFolder();
  const server = createServer({ allowHalfOpen: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const sockets = socketsIn(folder);
  onTestFinished(() => {
    sockets.close();
    server.close();
  });
  await sockets.listen('port', (socket) => carryTo((server.address() as AddressInfo).port, socket));
  const taken = once(server, 'connection').then(([socket]) => socket as Socket);
  const client = connect({ path: join(folder, 'port'), allowHalfOpen: true });
  onTestFinished(() => void client.destroy());
  return { client, taken, sockets };
}

// What doesn't fit into the kernel's memory waits in ours when the server is done.
it.each([100_000, 220_000, 240_000, 260_000, 280_000, 1_000_000])(
  'a client that reads late gets all %i bytes, though it has sent its last',
  async (length) => {
    const { client, taken } = await setUp();
    client.end('ask');
    const server = await taken;
    server.resume().once('end', () => server.end(Buffer.alloc(length)));
    const isKept = length < 300_000;
    await (isKept ? once(server, 'close') : once(server, 'end'));
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
    let bytes = 0;
    client.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    await once(client, 'end');
    expect(bytes).toBe(length);
  },
);

it('a server of ours notices that its client is gone', async () => {
  const { client, taken } = await setUp();
  await once(client, 'connect');
  const server = await taken;
  const closed = once(server.resume(), 'close');
  server.once('end', () => server.end());
  client.destroy();
  await closed;
});

it('connections end when the container is gone', async () => {
  const { client, taken, sockets } = await setUp();
  client.end('ask');
  const server = await taken;
  const ended = once(server.resume(), 'end');
  const closed = new Promise((resolve) => client.on('error', () => undefined).once('close', resolve));
  await ended;
  client.resume();
  sockets.close();
  await closed;
});

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { keepsUp } from './socket-pair.ts';

async function pair() {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  const accepted = once(server, 'connection') as Promise<[WebSocket]>;
  await once(server, 'listening');
  const reader = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  reader.on('error', () => undefined);
  onTestFinished(() => {
    reader.terminate();
    server.close();
  });
  const [[writer]] = await Promise.all([accepted, once(reader, 'open')]);
  return { writer, reader };
}

/** More than what the system keeps for a reader. */
const much = Buffer.alloc(64 * 1024 * 1024);

it('does not wait for a reader that keeps up', async () => {
  const { writer } = await pair();
  writer.send('short');
  await keepsUp(writer);
});

it.each([
  ['until it reads', (reader: WebSocket) => reader.resume()],
  ['until it has gone', (reader: WebSocket) => reader.terminate()],
])('waits for a slow reader %s', async (_title, then) => {
  const { writer, reader } = await pair();
  reader.pause();
  writer.send(much);
  let over = false;
  const waited = keepsUp(writer).then(() => {
    over = true;
  });
  await new Promise((turn) => setImmediate(turn));
  expect(over).toBe(false);
  then(reader);
  await waited;
});

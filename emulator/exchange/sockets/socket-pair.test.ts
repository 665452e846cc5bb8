import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { closeLike, keepsUp, longClose } from './socket-pair.ts';

async function pair() {
  const server = new WebSocketServer({ ...longClose, port: 0, host: '127.0.0.1' });
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

/** More than the system buffers for a reader. */
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

it('a close keeps what was sent before it for a reader that does not read for minutes', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const { writer, reader } = await pair();
  reader.pause();
  writer.send(much);
  closeLike(writer, { code: 4001, reason: 'bye' });
  vi.advanceTimersByTime(600_000);
  const arrived = Promise.all([once(reader, 'message'), once(reader, 'close')]);
  reader.resume();
  const [[message], [code]] = await arrived;
  expect([message.length, code]).toEqual([much.length, 4001]);
});

it('a close does not wait forever for a reader that never reads again', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const { writer, reader } = await pair();
  reader.pause();
  writer.send(much);
  const over = once(writer, 'close');
  closeLike(writer, { code: 4001, reason: 'bye' });
  await new Promise((turn) => setImmediate(turn));
  vi.advanceTimersByTime(longClose.closeTimeout);
  await over;
  expect(longClose.closeTimeout).toBeLessThanOrEqual(24 * 60 * 60 * 1000);
});

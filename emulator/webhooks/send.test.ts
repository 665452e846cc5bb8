import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { post } from './send.ts';

/** Calls a receiver that handles its end of the connection with `receive`. */
async function sentTo(receive: (socket: Socket) => void, timeoutMs = 20_000) {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => receive(socket)).resume();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/`;
  return await post({
    url,
    headers: {},
    body: Buffer.from('{}'),
    timeoutMs,
    signal: new AbortController().signal,
  });
}

/** Writes endlessly, as fast as the other side reads. */
function pour(socket: Socket, bytes: string): void {
  const more = (): void => {
    while (!socket.destroyed && socket.write(bytes));
  };
  socket.on('drain', more);
  more();
}

describe('a receiver that never finishes', () => {
  it('sending interim responses is disconnected and retried later', async () => {
    const began = performance.now();
    const sent = await sentTo((socket) => pour(socket, 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(50)));
    expect(sent).toEqual({ kind: 'retry', because: 'it sent too many interim responses' });
    expect(performance.now() - began).toBeLessThan(10_000);
  });

  it('sending nothing is retried after the timeout', async () => {
    expect(await sentTo(() => undefined, 100)).toEqual({ kind: 'retry', because: 'it took too long' });
  });

  it('sending headers is retried later', async () => {
    expect(
      await sentTo((socket) => pour(socket, `HTTP/1.1 200 OK\r\n${`X: ${'y'.repeat(900)}\r\n`.repeat(50)}`)),
    ).toEqual({
      kind: 'retry',
      because: 'HPE_HEADER_OVERFLOW',
    });
  });

  it('sending its body counts as delivered', async () => {
    let closed = false;
    const sent = await sentTo((socket) => {
      socket.once('close', () => {
        closed = true;
      });
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      pour(socket, 'x'.repeat(65_536));
    });
    expect(sent).toEqual({ kind: 'delivered' });
    await expect.poll(() => closed).toBe(true);
  });
});

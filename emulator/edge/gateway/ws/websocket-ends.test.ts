import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { deferred } from '../../../exchange/testing/deferred.ts';
import { platformError } from '../../../wire/errors.ts';
import { startGateway, type TestGateway } from '../testing/bed.ts';
import { authorization } from '../testing/client.ts';

/**
 * How websockets start and end: the offer of subprotocols, last messages, codes and reasons of a close, and callers
 * that vanish.
 */

type Route = (socket: WebSocket, req: IncomingMessage) => void;

/** A gateway in front of an app that accepts any websocket; `before` delays its answer to the handshake. */
async function startApp(
  route: Route,
  options: ConstructorParameters<typeof WebSocketServer>[0] = {},
  before?: Promise<void>,
) {
  const gateway = await startGateway((_req, res) => void res.writeHead(404).end());
  onTestFinished(() => gateway.close());
  const server = new WebSocketServer({ noServer: true, ...options });
  gateway.runner.on('upgrade', async (req: IncomingMessage, socket: Duplex, head: Buffer) => {
    await before;
    server.handleUpgrade(req, socket, head, (websocket) => route(websocket, req));
  });
  onTestFinished(() => {
    for (const socket of server.clients) socket.terminate();
  });
  return gateway;
}

function dial(gateway: TestGateway, protocols: string[] = [], host: 'run' | 'ws' = 'run'): WebSocket {
  const address = `ws://localhost:${gateway.ports[host]}/me/app/realtime`;
  const socket = new WebSocket(address, protocols, { headers: { ...authorization } });
  onTestFinished(() => socket.terminate());
  socket.on('error', () => undefined);
  return socket;
}

/** Everything that arrived, and how the socket ended. */
function story(socket: WebSocket) {
  const texts: string[] = [];
  const end = deferred<{ readonly code: number; readonly reason: string }>();
  socket.on('message', (data) => texts.push(String(data)));
  socket.on('close', (code, reason) => end.resolve({ code, reason: reason.toString() }));
  return { texts, end: end.promise };
}

describe('subprotocols', () => {
  it('are offered to the app exactly as the caller offered them; the caller gets the first one', async () => {
    const seen = deferred<string | undefined>();
    const gateway = await startApp((_app, req) => seen.resolve(req.headers['sec-websocket-protocol']));
    const socket = dial(gateway, ['chat.v2', 'bearer.s3cret']);
    await once(socket, 'open');
    expect(socket.protocol).toBe('chat.v2');
    expect((await seen.promise)?.split(/, ?/)).toEqual(['chat.v2', 'bearer.s3cret']);
  });

  it.each([
    ['none', () => false as const],
    ['another one', () => 'bearer.s3cret'],
  ])('may be chosen by the app as it likes: %s', async (_, handleProtocols) => {
    const gateway = await startApp((app) => app.send('here'), { handleProtocols });
    const socket = dial(gateway, ['chat.v2', 'bearer.s3cret']);
    const { texts } = story(socket);
    await expect.poll(() => texts).toEqual(['here']);
  });
});

describe('messages that are immediately followed by a close', () => {
  const texts = Array.from({ length: 50 }, (_, n) => `${n}`);

  it('reach the app', async () => {
    const arrived = deferred<ReturnType<typeof story>>();
    const gateway = await startApp((app) => arrived.resolve(story(app)));
    const socket = dial(gateway);
    await once(socket, 'open');
    for (const text of texts) socket.send(text);
    socket.close(4001, 'bye');
    const app = await arrived.promise;
    expect(await app.end).toEqual({ code: 4001, reason: 'bye' });
    expect(app.texts).toEqual(texts);
    await expect.poll(() => gateway.fleet.ends).toEqual([{ outcome: { kind: 'caller_gone' } }]);
  });

  it('reach an app that is slow with the handshake', async () => {
    const arrived = deferred<ReturnType<typeof story>>();
    const shake = deferred<void>();
    const gateway = await startApp((app) => arrived.resolve(story(app)), {}, shake.promise);
    const socket = dial(gateway);
    await once(socket, 'open');
    for (const text of texts) socket.send(text);
    socket.close(1000, 'that was all');
    await once(socket, 'close');
    shake.resolve();
    const app = await arrived.promise;
    expect(await app.end).toEqual({ code: 1000, reason: 'that was all' });
    expect(app.texts).toEqual(texts);
  });

  it('reach the caller', async () => {
    const gateway = await startApp((app) => {
      for (const text of texts) app.send(text);
      app.close(4002, 'done');
    });
    const caller = story(dial(gateway));
    expect(await caller.end).toEqual({ code: 4002, reason: 'done' });
    expect(caller.texts).toEqual(texts);
  });
});

describe('messages before a close, while nobody reads for minutes', () => {
  // More than the system buffers for a reader.
  const messages = Array.from({ length: 128 }, (_, n) => String(n).padEnd(64 * 1024, '.'));

  async function minutesPass(): Promise<void> {
    for (let n = 0; n < 10; n++) {
      await new Promise((turn) => setImmediate(turn));
      vi.advanceTimersByTime(60_000);
    }
  }

  it('reach the app', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const arrived = deferred<WebSocket>();
    const gateway = await startApp((app) => {
      app.pause();
      arrived.resolve(app);
    });
    const socket = dial(gateway);
    await once(socket, 'open');
    for (const message of messages) socket.send(message);
    socket.close(4001, 'bye');
    const app = await arrived.promise;
    const { texts, end } = story(app);
    await once(socket, 'close');
    await minutesPass();
    app.resume();
    expect(await end).toEqual({ code: 4001, reason: 'bye' });
    expect(texts).toEqual(messages);
  });

  it('an app that keeps reading and does not answer the close is cut off', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const gateway = await startApp((app) => {
      app.close = () => undefined;
    });
    const socket = dial(gateway);
    await once(socket, 'open');
    socket.close(4001, 'bye');
    await expect
      .poll(() => {
        vi.advanceTimersByTime(10_000);
        return gateway.fleet.ends;
      })
      .toEqual([{ outcome: { kind: 'caller_gone' } }]);
  });
});

describe('the code and the reason of a close', () => {
  it.each([1000, 1001, 1003, 1007, 1008, 1009, 1011, 1012, 1013, 1014, 3000, 4999])(
    '%d arrive both ways',
    async (code) => {
      const arrived = deferred<ReturnType<typeof story>>();
      const gateway = await startApp((app, req) => {
        if (req.url?.includes('closes')) app.close(code, `because of é ${code}`);
        else arrived.resolve(story(app));
      });
      const end = { code, reason: `because of é ${code}` };
      const socket = dial(gateway);
      await once(socket, 'open');
      const app = await arrived.promise;
      socket.close(code, end.reason);
      expect(await app.end).toEqual(end);
      const address = `ws://localhost:${gateway.ports.run}/me/app/realtime?closes`;
      expect(await story(new WebSocket(address, { headers: { ...authorization } })).end).toEqual(end);
    },
  );

  it('are absent if none were given', async () => {
    const gateway = await startApp((app) => app.close());
    expect(await story(dial(gateway)).end).toEqual({ code: 1005, reason: '' });
  });

  it('report a broken connection if the app just vanished', async () => {
    const gateway = await startApp((app) => app.terminate());
    expect(await story(dial(gateway)).end).toEqual({ code: 1011, reason: 'Error while forwarding the request' });
  });
});

describe('a caller that vanishes while its request waits for a runner', () => {
  const megabyte = 1024 * 1024;

  it.each([
    ['a websocket with less than is held', 'run', 1, megabyte],
    ['a websocket with more than is held', 'run', 20, megabyte],
    ['a call over a websocket', 'ws', 1, megabyte],
    ['more calls over a websocket than may wait', 'ws', 70, 1024],
    ['larger calls over a websocket than are held', 'ws', 20, megabyte],
  ] as const)('withdraws it: %s', async (_, host, messages, size) => {
    const gateway = await startApp(() => undefined);
    gateway.fleet.hold();
    const socket = dial(gateway, [], host);
    await once(socket, 'open');
    for (let n = 0; n < messages; n++) socket.send(Buffer.alloc(size));
    await expect.poll(() => gateway.fleet.requests.length).toBe(1);
    await new Promise((resolve) => socket.ping(undefined, undefined, resolve));
    socket.terminate();
    await expect.poll(() => gateway.fleet.withdrawn.length, { timeout: 10_000 }).toBe(1);
  });
});

it('a caller that is still sending is notified that no runner is available', async () => {
  const gateway = await startApp(() => undefined);
  gateway.fleet.hold();
  const socket = dial(gateway);
  const caller = story(socket);
  await once(socket, 'open');
  for (let n = 0; n < 40; n++) socket.send(Buffer.alloc(1024 * 1024));
  await expect.poll(() => gateway.fleet.requests.length).toBe(1);
  gateway.fleet.refuseWith(platformError('startup_timeout', 'No runner became ready in time.'));
  gateway.fleet.release();
  expect(await caller.end).toEqual({ code: 1011, reason: 'Error while forwarding the request' });
});

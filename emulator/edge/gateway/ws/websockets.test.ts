import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { deferred } from '../../../exchange/testing/deferred.ts';
import { platformError } from '../../../wire/errors.ts';
import { authorization, call } from '../testing/client.ts';
import { closing, dial, inbox, startApp } from '../testing/websockets.ts';

describe('a websocket on the run host', () => {
  it('is a tunnel: order, boundaries and kind of the frames are kept both ways', async () => {
    const gateway = await startApp((app) => app.on('message', (data, binary) => app.send(data, { binary })));
    const socket = dial(gateway, 'run', '/me/app/realtime');
    const messages = inbox(socket);
    await once(socket, 'open');
    const sent = ['{"a": 1}', Buffer.from([1, 2, 3]), '', 'é😀', Buffer.alloc(300_000, 7)];
    for (const data of sent) socket.send(data);
    await expect.poll(() => messages.length).toBe(sent.length);
    expect(messages).toEqual(sent);
    expect(gateway.fleet.ends).toEqual([]); // one in-flight request for its whole life
  });

  it('is accepted before there is a runner; messages sent in the meantime arrive first', async () => {
    const gateway = await startApp((app) => app.on('message', (data, binary) => app.send(data, { binary })));
    gateway.fleet.hold();
    const socket = dial(gateway, 'run', '/me/app/realtime');
    const messages = inbox(socket);
    await once(socket, 'open');
    socket.send('1');
    socket.send('2');
    await expect.poll(() => gateway.fleet.requests.length).toBe(1);
    gateway.fleet.release();
    socket.send('3');
    await expect.poll(() => messages).toEqual(['1', '2', '3']);
  });

  it('passes path, query, protocol and context to the app', async () => {
    const seen = deferred<IncomingMessage>();
    const gateway = await startApp((_socket, req) => seen.resolve(req));
    const socket = new WebSocket(
      `ws://localhost:${gateway.ports.run}/me/app/realtime?max_buffering=3&fal_jwt_token=x`,
      ['one'],
      {
        headers: authorization,
      },
    );
    onTestFinished(() => socket.terminate());
    const { url, headers } = await seen.promise;
    expect(url).toBe('/realtime?max_buffering=3');
    expect(headers).toMatchObject({
      'x-fal-endpoint': 'me/app/realtime',
      'x-fal-request-id': gateway.fleet.requests[0]?.id,
      'sec-websocket-protocol': 'one',
    });
    expect(headers.authorization).toBeUndefined();
  });

  it.each([
    [1000, 'done'],
    [4001, 'own code'],
    [1013, 'later'],
  ])('closes as the app does: %i', async (code, reason) => {
    const gateway = await startApp((app) => app.close(code, reason));
    const socket = dial(gateway, 'run', '/me/app/realtime');
    expect(await closing(socket)).toEqual({ code, reason });
    expect(gateway.fleet.ends).toEqual([{ outcome: { kind: 'response', status: 200 } }]);
  });

  it('notifies the app how the caller closed, and cancels', async () => {
    const appClosed = deferred<number>();
    const cancelled = deferred<string>();
    const gateway = await startApp(
      (app) => app.on('close', (code) => appClosed.resolve(code)).send('hi'),
      (req, res) => {
        cancelled.resolve(`${req.method} ${req.url}`);
        res.end();
      },
    );
    const socket = dial(gateway, 'run', '/me/app/realtime');
    await once(socket, 'message');
    socket.close(1000);
    expect(await appClosed.promise).toBe(1000);
    expect(await cancelled.promise).toBe('POST /realtime/cancel');
    expect(gateway.fleet.ends).toEqual([{ outcome: { kind: 'caller_gone' } }]);
  });

  it.each([
    ['the app refuses', '/me/app/no-such-route', { kind: 'response', status: 403 }],
    ['the app breaks off', '/me/app/realtime', { kind: 'disconnected' }],
  ])('is closed with 1011 when %s', async (_what, path, outcome) => {
    const gateway = await startApp((app) => app.terminate());
    const socket = dial(gateway, 'run', path);
    expect(await closing(socket)).toEqual({ code: 1011, reason: 'Error while forwarding the request' });
    expect(gateway.fleet.ends).toEqual([{ outcome }]);
  });

  it('is closed with 1011 when there is no runner, or the platform ends it', async () => {
    const gateway = await startApp(() => undefined);
    const ended = dial(gateway, 'run', '/me/app/realtime');
    await once(ended, 'open');
    const closed = closing(ended);
    await expect.poll(() => gateway.fleet.requests.length).toBe(1);
    gateway.fleet.abort(platformError('request_timeout', 'Too long.'));
    expect((await closed).code).toBe(1011);
    gateway.fleet.refuseWith(platformError('startup_timeout', 'None.'));
    expect((await closing(dial(gateway, 'run', '/me/app/realtime'))).code).toBe(1011);
  });

  it('stops waiting for a runner when the caller leaves', async () => {
    const gateway = await startApp(() => undefined);
    gateway.fleet.hold();
    const socket = dial(gateway, 'run', '/me/app/realtime');
    await once(socket, 'open');
    socket.close();
    await once(socket, 'close');
    gateway.fleet.release();
    const next = dial(gateway, 'run', '/me/app/realtime');
    await once(next, 'open');
    await expect.poll(() => gateway.fleet.requests.length).toBe(2);
    expect(gateway.fleet.ends).toEqual([]);
  });
});

describe('an odd handshake on the run host', () => {
  it('a header named like a property of all objects reaches the app', async () => {
    const seen = deferred<IncomingMessage>();
    const gateway = await startApp((_socket, req) => seen.resolve(req));
    const socket = dial(gateway, 'run', '/me/app/realtime', { ...authorization, ...JSON.parse('{"__proto__": "x"}') });
    await once(socket, 'open');
    expect((await seen.promise).rawHeaders).toContain('__proto__');
  });

  it('a path that is not a websocket address is closed with 1011, and does not count against the runner', async () => {
    const gateway = await startApp(() => undefined);
    const headers = {
      ...authorization,
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    };
    const path = '/me/app/realtime#x';
    const [, socket, head] = await once(request({ port: gateway.ports.run, path, headers }).end(), 'upgrade');
    const chunks: Buffer[] = [head];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    await expect.poll(() => Buffer.concat(chunks).toString('latin1')).toContain('\x03\xf3Error while forwarding');
    socket.destroy();
    expect(gateway.fleet.ends).toEqual([{ outcome: { kind: 'response', status: 400 } }]);
    expect(gateway.errors).toEqual([]);
  });
});

describe.each(['run', 'ws'] as const)('an upgrade on the %s host', (host) => {
  it.each([
    ['/me/app/realtime', {}, 401],
    ['/me/app/realtime', { authorization: 'Key test-key:wrong' }, 401],
    ['/me/unknown/realtime', authorization, 404],
    ['/me/app/realtime', { ...authorization, origin: 'https://evil.example' }, 403],
    ['/me/app/realtime', { ...authorization, host: 'evil.example' }, 403],
    ['/me/open/realtime', { origin: 'null' }, 403],
  ])('%s with %o is refused with %i', async (path, headers, status) => {
    const gateway = await startApp(() => undefined);
    const socket = dial(gateway, host, path, headers);
    socket.on('error', () => undefined);
    const [, response] = await once(socket, 'unexpected-response');
    expect(response.statusCode).toBe(status);
    expect(response.headers['x-fal-request-id']).toBeDefined();
  });
});

it.each(['run', 'ws'] as const)('a malformed handshake on the %s host is 400 with a request id', async (host) => {
  const gateway = await startApp(() => undefined);
  const headers = { ...authorization, connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' };
  const reply = await call(gateway.ports[host], '/me/app/realtime', { headers });
  expect(reply.status).toBe(400);
  expect(reply.headers['x-fal-request-id']).toBeDefined();
});

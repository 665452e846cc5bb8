import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { deferred } from '../../../exchange/testing/deferred.ts';
import { platformError } from '../../../wire/errors.ts';
import { startGateway } from '../testing/bed.ts';
import { standstill } from '../testing/client.ts';
import { dial, inbox, startApp } from '../testing/websockets.ts';

describe('HTTP over WebSocket', () => {
  const double: RequestListener = (req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      const { n } = JSON.parse(Buffer.concat(chunks).toString());
      res.setHeader('content-type', 'application/json').end(JSON.stringify({ result: n * 2 }));
    });
  };
  const control = (frame: string | Buffer | undefined) => JSON.parse(String(frame));

  it('answers each frame with start, body and end, strictly in order', async () => {
    const gateway = await startApp(() => undefined, double);
    const socket = dial(gateway, 'ws', '/me/app');
    const frames = inbox(socket);
    await once(socket, 'open');
    for (const n of [1, 2, 3]) socket.send(JSON.stringify({ n }));
    await expect.poll(() => frames.length).toBe(9);
    for (const [i, result] of [2, 4, 6].entries()) {
      const [head, body, end] = frames.slice(3 * i);
      const id = gateway.fleet.requests[i]?.id;
      expect(control(head)).toMatchObject({
        type: 'start',
        request_id: id,
        status: 200,
        headers: { 'content-type': 'application/json', 'x-fal-request-id': id },
      });
      expect(body).toBe(JSON.stringify({ result }));
      expect(control(end)).toEqual({ type: 'end', request_id: id, status: 200, time_to_first_byte_seconds: 0 });
    }
    expect(new Set(gateway.fleet.requests.map(({ id }) => id)).size).toBe(3);
    expect(gateway.fleet.ends).toHaveLength(3);
  });

  it('is not read while more bytes wait than the limit', async () => {
    const app: RequestListener = (req, res) => req.resume().on('end', () => res.end('ok'));
    const gateway = await startGateway(app, { limits: { maxHeldSocketBytes: 1024 ** 2 } });
    onTestFinished(() => gateway.close());
    gateway.fleet.hold();
    const socket = dial(gateway, 'ws', '/me/app');
    await once(socket, 'open');
    let taken = 0;
    const megabytes = 60;
    for (let n = 0; n < megabytes; n++) socket.send(Buffer.alloc(1024 ** 2), () => taken++);
    await expect.poll(() => gateway.fleet.requests.length).toBe(1);
    await standstill(() => taken);
    expect(taken).toBeGreaterThan(0);
    expect(taken).toBeLessThan(megabytes / 2);
    gateway.fleet.release();
    await expect.poll(() => gateway.fleet.ends.length, { timeout: 10_000 }).toBe(megabytes);
  });

  it('sends media, and JSON that looks like a control frame, as binary', async () => {
    const like = '{"type": "x", "request_id": "y"}';
    const gateway = await startApp(
      () => undefined,
      (req, res) => {
        if (req.url === '/media') res.writeHead(200, { 'content-type': 'image/png' }).end(Buffer.from([137, 80]));
        else res.writeHead(200, { 'content-type': 'application/json' }).end(like);
      },
    );
    for (const [path, body] of [
      ['/me/app/media', Buffer.from([137, 80])],
      ['/me/app', Buffer.from(like)],
    ] as const) {
      const socket = dial(gateway, 'ws', path);
      const frames = inbox(socket);
      await once(socket, 'open');
      socket.send('{}');
      await expect.poll(() => frames.length).toBe(3);
      expect(frames[1]).toEqual(body);
    }
  });

  it('returns a failure of the platform as an answer, and serves the next frame', async () => {
    const gateway = await startApp(() => undefined, double);
    const socket = dial(gateway, 'ws', '/me/app');
    const frames = inbox(socket);
    await once(socket, 'open');
    gateway.fleet.refuseWith(platformError('startup_timeout', 'No runner.'));
    socket.send('{"n": 1}');
    await expect.poll(() => frames.length).toBe(3);
    expect(control(frames[0])).toMatchObject({
      type: 'start',
      status: 504,
      headers: { 'x-fal-error-type': 'startup_timeout' },
    });
    expect(control(frames[1])).toEqual({ detail: 'No runner.', error_type: 'startup_timeout' });
    gateway.fleet.refuseWith(undefined);
    socket.send('{"n": 1}');
    await expect.poll(() => frames.length).toBe(6);
    expect(control(frames[4])).toEqual({ result: 2 });
  });

  it('cancels the running call when the caller leaves', async () => {
    const arrived = deferred<void>();
    const cancelled = deferred<string>();
    const gateway = await startApp(
      () => undefined,
      (req, res) => {
        if (req.url === '/slow/cancel') cancelled.resolve(String(req.headers['x-fal-request-id']));
        else arrived.resolve();
        if (req.url === '/slow/cancel') res.end();
      },
    );
    const socket = dial(gateway, 'ws', '/me/app/slow');
    await once(socket, 'open');
    socket.send('{}');
    socket.send('{}');
    await arrived.promise;
    socket.close();
    expect(await cancelled.promise).toBe(gateway.fleet.requests[0]?.id);
    expect(gateway.fleet.requests).toHaveLength(1); // the second was never started
  });
});

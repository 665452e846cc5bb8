import { createHash } from 'node:crypto';
import type { IncomingMessage, RequestListener } from 'node:http';
import { connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { GatewayLimits } from '../context.ts';
import { startGateway, type TestGateway } from '../testing/bed.ts';
import { authorization, standstill } from '../testing/client.ts';

/**
 * Bodies that exceed what the sockets on the way can buffer, in calls whose caller leaves or whose app answers early.
 */

const start = async (app: RequestListener, limits: Partial<GatewayLimits> = {}, spoolBytes = 1024 ** 3) => {
  const gateway = await startGateway(app, { limits, spoolBytes });
  onTestFinished(() => gateway.close());
  return gateway;
};
const megabyte = 1024 * 1024;
const bytes = (size: number): Buffer => Buffer.alloc(size, 'minifal ');
const hashOf = (...parts: readonly Buffer[]): string => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
};

/** A caller on a bare socket that, like most clients, reads no answer before it has sent its whole body. */
function dial(port: number): Socket {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.pause();
  onTestFinished(() => void socket.destroy());
  return socket;
}

function headOf(gateway: TestGateway, path: string, length: number, extra: readonly string[] = []): string {
  const { authorization: key } = authorization;
  const lines = [`POST ${path} HTTP/1.1`, `host: localhost:${gateway.ports.run}`, `authorization: ${key}`];
  return [...lines, `content-length: ${length}`, ...extra, '', ''].join('\r\n');
}

/** Resolves when everything was passed to the system; rejects if that doesn't happen. */
const write = (socket: Socket, data: string | Buffer): Promise<void> =>
  new Promise((resolve, reject) => socket.write(data, (error) => (error ? reject(error) : resolve())));

/** What has arrived so far, up to the end of the answer with this body. */
async function answerOn(socket: Socket, ending: string): Promise<string> {
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  socket.resume();
  await expect.poll(() => text, { timeout: 10_000 }).toContain(ending);
  return text;
}

describe('a caller that leaves while its request waits for a runner', () => {
  it.each([
    ['1 KB', 1024, 1024],
    ['300 KB', 300 * 1024, 300 * 1024],
    ['20 MB', 20 * megabyte, 20 * megabyte],
    ['half of 20 MB', 20 * megabyte, 10 * megabyte],
  ])('cancels it, with a body of %s', async (_, announced, sent) => {
    let calls = 0;
    const gateway = await start((_req, res) => {
      calls++;
      res.end();
    });
    gateway.fleet.hold();
    const socket = dial(gateway.ports.run);
    await write(socket, headOf(gateway, '/me/app/', announced));
    await expect.poll(() => gateway.fleet.requests.length).toBe(1);
    // As much as it can send.
    void write(socket, bytes(sent)).catch(() => undefined);
    await new Promise((turn) => setImmediate(turn));
    socket.end();
    await expect.poll(() => gateway.fleet.withdrawn.length, { timeout: 10_000 }).toBe(1);
    gateway.fleet.release();
    expect(calls).toBe(0);
  });

  it('keeps the body of one that stays, byte by byte, in order and with what comes later', async () => {
    const gateway = await start(async (req, res) => {
      const hash = createHash('sha256');
      for await (const chunk of req) hash.update(chunk);
      res.end(hash.digest('hex'));
    });
    gateway.fleet.hold();
    const parts = [bytes(12 * megabyte), Buffer.from('the middle'), bytes(8 * megabyte)];
    const socket = dial(gateway.ports.run);
    await write(
      socket,
      headOf(
        gateway,
        '/me/app/',
        parts.reduce((sum, part) => sum + part.length, 0),
      ),
    );
    await write(socket, parts[0] ?? '');
    await write(socket, parts[1] ?? '');
    gateway.fleet.release();
    await write(socket, parts[2] ?? '');
    expect(await answerOn(socket, hashOf(...parts))).toMatch(/^HTTP\/1.1 200 /);
  });

  it.each([
    ['none', 0],
    ['a part of the body', megabyte],
  ])('keeps every byte where the disk has room for %s', async (_, spoolBytes) => {
    const gateway = await start(
      async (req, res) => {
        const hash = createHash('sha256');
        for await (const chunk of req) hash.update(chunk);
        res.end(hash.digest('hex'));
      },
      {},
      spoolBytes,
    );
    gateway.fleet.hold();
    const body = bytes(12 * megabyte);
    const socket = dial(gateway.ports.run);
    await write(socket, headOf(gateway, '/me/app/', body.length));
    const sent = write(socket, body);
    await expect.poll(() => gateway.fleet.requests.length).toBe(1);
    await standstill(() => socket.bytesWritten - socket.writableLength);
    expect(socket.writableLength).toBeGreaterThan(0);
    gateway.fleet.release();
    await sent;
    expect(await answerOn(socket, hashOf(body))).toMatch(/^HTTP\/1.1 200 /);
  });
});

/** How apps handle a body that they don't want. */
const early: readonly (readonly [string, RequestListener])[] = [
  [
    'and reads on',
    (req, res) => {
      req.resume();
      res.writeHead(404).end('no such path');
    },
  ],
  [
    'and reads no more',
    (req, res) => {
      req.pause();
      res.writeHead(404).end('no such path');
    },
  ],
  ['and announces that it closes', (_req, res) => void res.writeHead(404, { connection: 'close' }).end('no such path')],
  [
    'and hangs up at once, with all of it unread',
    (req, res) => {
      req.pause();
      res.writeHead(404).end('no such path', () => req.socket.destroy());
    },
  ],
];

describe('an app that answers before it has read the body', () => {
  describe.each(early)('%s', (_, app) => {
    it.each([1, 20])('delivers its answer, %d MB later, on a connection that can be reused', async (size) => {
      const gateway = await start(app);
      const socket = dial(gateway.ports.run);
      for (let round = 0; round < 3; round++) {
        await write(socket, headOf(gateway, '/me/app/mistyped', size * megabyte));
        await write(socket, bytes(size * megabyte));
        expect(await answerOn(socket, 'no such path')).toMatch(/^HTTP\/1.1 404 /);
        socket.pause();
        socket.removeAllListeners('data');
      }
      expect(gateway.fleet.ends).toEqual(Array(3).fill({ outcome: { kind: 'response', status: 404 } }));
    });
  });

  it.each([
    ['continues reading', (req) => void req.resume()],
    ['reads nothing', (req) => void req.pause()],
  ] as readonly (readonly [string, (req: IncomingMessage) => void])[])(
    'is heard although its answer is larger than what the sockets hold and nobody reads yet: it %s',
    async (_, deal) => {
      const answer = Buffer.concat([bytes(12 * megabyte), Buffer.from('the end')]);
      const gateway = await start((req, res) => {
        deal(req);
        res.writeHead(404, { 'content-length': answer.length }).end(answer);
      });
      const socket = dial(gateway.ports.run);
      await write(socket, headOf(gateway, '/me/app/mistyped', 20 * megabyte));
      await write(socket, bytes(20 * megabyte));
      const text = await answerOn(socket, 'the end');
      expect(text.length).toBeGreaterThan(answer.length);
      expect(gateway.fleet.ends).toEqual([{ outcome: { kind: 'response', status: 404 } }]);
    },
  );

  it('delivers its answer to a caller that asked before it sent anything', async () => {
    const gateway = await start(early[1]?.[1] ?? (() => undefined));
    const socket = dial(gateway.ports.run);
    await write(socket, headOf(gateway, '/me/app/mistyped', 20 * megabyte, ['expect: 100-continue']));
    expect(await answerOn(socket, 'HTTP/1.1 100 Continue\r\n\r\n')).toBeTruthy();
    socket.pause();
    await write(socket, bytes(20 * megabyte));
    expect(await answerOn(socket, 'no such path')).toMatch(/HTTP\/1.1 404 /);
  });
});

describe("the gateway's own answer to a large body", () => {
  const none: RequestListener = (_req, res) => void res.end();

  it.each([
    ['401', '/me/app/', ['authorization: Key wrong:key']],
    ['404', '/me/nobody/', []],
    ['413', '/me/app/', []],
  ])('%s reaches the caller', async (status, path, extra) => {
    const gateway = await start(none, { maxRequestBytes: 10 * megabyte });
    const socket = dial(gateway.ports.run);
    const head = headOf(gateway, path, 20 * megabyte, extra).replace(
      extra.length > 0 ? /authorization: .*\r\n/ : /^$/,
      '',
    );
    await write(socket, head);
    await write(socket, bytes(20 * megabyte));
    expect(await answerOn(socket, '"detail"')).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  });

  it.each(['401', '404', '413'])('%s saves a caller that asks first from sending the body', async (status) => {
    const gateway = await start(none, { maxRequestBytes: 10 * megabyte });
    const socket = dial(gateway.ports.run);
    const path = status === '404' ? '/me/nobody/' : '/me/app/';
    const head = headOf(gateway, path, 20 * megabyte, ['expect: 100-continue']);
    await write(socket, status === '401' ? head.replace(/authorization: .*\r\n/, '') : head);
    const text = await answerOn(socket, '"detail"');
    expect(text).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(text.toLowerCase()).toContain('connection: close');
    await expect.poll(() => socket.readableEnded).toBe(true);
  });
});

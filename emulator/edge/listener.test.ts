import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as tlsConnect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { closed } from '../testing/sockets.ts';
import { UserError } from '../wire/errors.ts';
import { createConnectionLimits } from './connection-limits.ts';
import { edgeServer } from './http-server.ts';
import { type ListenDeps, listen } from './listener.ts';
import { loadOrCreateTls, type TlsMaterial } from './tls/ca.ts';

let folder: string;
let tls: TlsMaterial;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'minifal-listener-'));
  tls = await loadOrCreateTls(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The HTTP server answers `http`; the HTTP/2 server answers with the bytes that it received. */
async function start(change: Partial<ListenDeps> = {}) {
  const http = edgeServer({
    request: (_req, res) => void res.end('http'),
    upgrade: (_req, socket) => void socket.destroy(),
  });
  const http2 = (socket: Socket): void => {
    socket.on('data', (bytes: Buffer) => socket.end(`h2 got ${bytes.length}: ${bytes.toString()}`));
  };
  const listener = await listen({ port: 0, tls, http, http2, ...change });
  onTestFinished(() => listener.close());
  return listener;
}
const clear = (port: number): Socket => {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined);
  onTestFinished(() => void socket.destroy());
  return socket;
};
const overTls = async (port: number, options: { servername?: string; ALPNProtocols?: string[] } = {}) => {
  const socket = tlsConnect({ port, host: '127.0.0.1', ca: tls.caPem, ...options });
  onTestFinished(() => void socket.destroy());
  await once(socket, 'secureConnect');
  return socket;
};
const everything = async (socket: Socket): Promise<string> => {
  let text = '';
  socket.on('data', (bytes: Buffer) => {
    text += bytes.toString();
  });
  await closed(socket);
  return text;
};
const request = 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

describe('one port', () => {
  it('serves HTTP/1.1 in clear text and over TLS', async () => {
    const { port } = await start();
    const plain = clear(port);
    plain.write(request);
    expect(await everything(plain)).toContain('http');
    const secure = await overTls(port, { servername: 'localhost' });
    secure.write(request);
    expect(await everything(secure)).toContain('http');
  });

  it('passes HTTP/2 on with every byte, in clear text, by ALPN, and over TLS without ALPN', async () => {
    const { port } = await start();
    const plain = clear(port);
    plain.write(preface);
    expect(await everything(plain)).toBe(`h2 got ${preface.length}: ${preface}`);
    for (const options of [{ ALPNProtocols: ['h2'] }, {}]) {
      const secure = await overTls(port, options);
      secure.write(preface);
      expect(await everything(secure)).toBe(`h2 got ${preface.length}: ${preface}`);
    }
  });

  it.each(['P', 'PR', 'PRI * HTTP/2.', 'POST', 'PRI * HTTP/1.1\r\n\r\n'])(
    'waits until it can distinguish the protocols: %j first',
    async (beginning) => {
      const { port } = await start();
      const socket = clear(port);
      socket.setNoDelay(true).write(beginning);
      await once(socket, 'connect');
      const rest = preface.startsWith(beginning)
        ? preface.slice(beginning.length)
        : ' / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
      setImmediate(() => socket.write(rest));
      const answer = await everything(socket);
      if (preface.startsWith(beginning)) expect(answer).toBe(`h2 got ${preface.length}: ${preface}`);
      else expect(answer).toMatch(/^HTTP\/1\.1 (200|400)/);
    },
  );

  it.each(['http', 'h2'] as const)(
    'knows a %s client over TLS by its first request, and closes silent ones instead',
    async (kind) => {
      const limits = createConnectionLimits({ maxConnections: 2 });
      const sessions = createHttp2Server();
      sessions.on('stream', (stream) => {
        if (stream.session) limits.noteUse(stream.session.socket as Socket);
        stream.respond({ ':status': 200 }, { endStream: true });
      });
      const { port } = await start({ limits, http2: (socket) => void sessions.emit('connection', socket) });
      const client = await overTls(port, { ALPNProtocols: [kind === 'h2' ? 'h2' : 'http/1.1'] });
      if (kind === 'h2') {
        const session = connectHttp2('http://localhost', { createConnection: () => client });
        onTestFinished(() => session.destroy());
        await once(session.request({ ':path': '/' }).resume(), 'end');
      } else {
        client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
        await once(client, 'data');
      }
      const silent = clear(port);
      await once(silent, 'connect');
      const another = clear(port);
      await Promise.all([once(another, 'connect'), closed(silent)]);
      expect([client.closed, another.closed]).toEqual([false, false]);
    },
  );

  it('prefers HTTP/1.1 where a client offers both, as curl and browsers do: our HTTP/2 is gRPC alone', async () => {
    const { port } = await start();
    expect((await overTls(port, { ALPNProtocols: ['h2', 'http/1.1'] })).alpnProtocol).toBe('http/1.1');
    expect((await overTls(port, { ALPNProtocols: ['h2'] })).alpnProtocol).toBe('h2');
  });

  it('serves a client that offers HTTP/1.0 alone', async () => {
    const { port } = await start();
    const secure = await overTls(port, { ALPNProtocols: ['http/1.0'] });
    expect(secure.alpnProtocol).toBe('http/1.0');
    secure.write('GET / HTTP/1.0\r\nHost: x\r\n\r\n');
    expect(await everything(secure)).toContain('http');
    // If gRPC's protocol is also offered, that one is chosen.
    expect((await overTls(port, { ALPNProtocols: ['http/1.0', 'h2'] })).alpnProtocol).toBe('h2');
  });

  it('speaks TLS 1.2 only: session tickets of 1.3 make one Python websocket in 500 hang', async () => {
    const { port } = await start();
    for (const options of [{}, { servername: 'localhost' }]) {
      expect((await overTls(port, options)).getProtocol()).toBe('TLSv1.2');
    }
  });

  it('treats everything as HTTP/1.1 without HTTP/2', async () => {
    const http = edgeServer({
      request: (_req, res) => void res.end('ok'),
      upgrade: (_r, socket) => void socket.destroy(),
    });
    const listener = await listen({ port: 0, tls, http });
    onTestFinished(() => listener.close());
    const socket = clear(listener.port);
    socket.write(preface);
    expect(await everything(socket)).toMatch(/^HTTP\/1\.1 400/);
  });

  it('gives the DNS leaf to a client that sends a name, the IP leaf to one that sends none', async () => {
    const { port } = await start();
    const named = await overTls(port, { servername: 'localhost' });
    expect(named.getPeerX509Certificate()?.subjectAltName).toBe(
      'DNS:localhost, DNS:queue.localhost, DNS:ws.localhost, DNS:wma.localhost',
    );
    const unnamed = await overTls(port);
    expect(unnamed.getPeerX509Certificate()?.subjectAltName).toBe('IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1');
  });
});

describe('an unexpected client', () => {
  const garbage: readonly (readonly [string, Buffer])[] = [
    ['zeros', Buffer.alloc(100)],
    ['half a TLS record', Buffer.from([0x16, 3, 1])],
    ['a TLS record of nonsense', Buffer.from([0x16, 3, 1, 0, 5, 1, 2, 3, 4, 5])],
    ['SSLv2', Buffer.from([0x80, 0x2e, 1, 0, 2])],
    ['SSH', Buffer.from('SSH-2.0-OpenSSH\r\n')],
    ['bytes above ASCII', Buffer.alloc(64, 0xff)],
  ];

  it.each(garbage)('that sends %s is disconnected and affects no other', async (_name, bytes) => {
    const { port } = await start();
    const socket = clear(port);
    socket.end(bytes);
    await closed(socket);
    const next = clear(port);
    next.write(request);
    expect(await everything(next)).toContain('http');
  });

  it('that is silent is disconnected after a while, as is one that stops in the middle of the preface', async () => {
    const { port } = await start({ firstByteTimeoutMs: 20 });
    for (const bytes of ['', 'PRI * ', Buffer.from([0x16])]) {
      const socket = clear(port);
      if (bytes.length > 0) socket.write(bytes);
      await closed(socket);
    }
  });

  it('that resets the connection at any moment causes no error', async () => {
    const { port } = await start();
    for (const bytes of ['', 'P', preface, request, Buffer.from([0x16, 3, 1, 2, 0])]) {
      const socket = clear(port);
      await once(socket, 'connect');
      socket.write(bytes);
      socket.resetAndDestroy();
    }
    const next = clear(port);
    next.write(request);
    expect(await everything(next)).toContain('http');
  });
});

describe('the port', () => {
  const occupy = async (host: string, port = 0): Promise<Server> => {
    const server = createServer();
    onTestFinished(() => void server.close());
    server.listen({ host, port, ipv6Only: host === '::1' });
    await once(server, 'listening');
    return server;
  };
  const portOf = (server: Server): number => {
    const address = server.address();
    return typeof address === 'object' ? (address?.port ?? 0) : 0;
  };

  it('is on loopback only, the same number on 127.0.0.1 and ::1', async () => {
    const { addresses, port } = await start();
    expect(addresses[0]).toBe('127.0.0.1');
    expect(['127.0.0.1', '::1']).toEqual(expect.arrayContaining([...addresses]));
    if (!addresses.includes('::1')) return;
    const socket = connect(port, '::1');
    await once(socket, 'connect');
    socket.destroy();
  });

  it('is named in the error when it is in use, with the next step', async () => {
    const port = portOf(await occupy('127.0.0.1'));
    const error = await start({ port }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(UserError);
    expect(error).toMatchObject({
      message: `Port ${port} on 127.0.0.1 is already in use.`,
      next: expect.stringContaining('--port'),
    });
  });

  it('is refused as well when it is in use only on ::1: localhost would lead there', async ({ skip }) => {
    const first = await start();
    if (!first.addresses.includes('::1')) skip('no ::1 on this machine');
    await first.close();
    await occupy('::1', first.port);
    await expect(start({ port: first.port })).rejects.toThrow(`Port ${first.port} on ::1 is already in use.`);
    await occupy('127.0.0.1', first.port); // and 127.0.0.1 was released
  });

  it('is free again after close(), and open connections are ended', async () => {
    const listener = await start();
    const idle = clear(listener.port);
    await once(idle, 'connect');
    const secure = await overTls(listener.port);
    for (const socket of [idle, secure]) socket.resume();
    await listener.close();
    for (const socket of [idle, secure]) await closed(socket);
    await start({ port: listener.port });
  });
});

it('callers that were answered and keep sending a body do not block others', async () => {
  const { port } = await start({ limits: createConnectionLimits({ maxConnections: 4 }) });
  for (let n = 0; n < 4; n++) {
    const socket = clear(port);
    socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nmore');
    await once(socket, 'data');
  }
  const caller = clear(port);
  caller.write(request);
  expect(await everything(caller)).toContain('http');
});

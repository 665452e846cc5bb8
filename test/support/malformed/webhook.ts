import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import fc from 'fast-check';
import type { SocketInput } from './exchange.ts';
import { hostLine } from './http.ts';
import { noise, oddText } from './vocabulary.ts';

/** What a hostile webhook receiver does instead of answering 200. */
const misbehaviours: { readonly [name: string]: (socket: Socket, base: string) => void } = {
  redirect: (socket, base) =>
    socket.end(`HTTP/1.1 302 Found\r\nLocation: ${base}redirect\r\nContent-Length: 0\r\n\r\n`),
  'redirect-nowhere': (socket) => socket.end('HTTP/1.1 308 \r\nLocation: http://[\r\n\r\n'),
  endless: (socket) => pour(socket, 'HTTP/1.1 200 OK\r\n\r\n', 'x'.repeat(65_536)),
  'endless-refusal': (socket) => pour(socket, 'HTTP/1.1 400 No\r\n\r\n', 'x'.repeat(65_536)),
  'endless-head': (socket) => pour(socket, 'HTTP/1.1 200 OK\r\n', `X: ${'y'.repeat(8_000)}\r\n`),
  'endless-hints': (socket) => pour(socket, '', 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(50)),
  garbage: (socket) => socket.end('\x16\x03\x01 this is no HTTP \0\r\n\r\n'),
  http09: (socket) => socket.end('<html>hello</html>'),
  close: (socket) => socket.end(),
  reset: (socket) => socket.resetAndDestroy(),
  'half-head': (socket) => socket.end('HTTP/1.1 200'),
  'half-body': (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nx'),
  'half-chunk': (socket) => socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\nx'),
  'bad-chunk': (socket) => socket.end('HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nx'),
  'two-lengths': (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx'),
  upgrade: (socket) => socket.end('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n\xff'),
  teapot: (socket) => socket.end('HTTP/1.1 418 \xff\xfe\r\nContent-Length: 0\r\n\r\n'),
  'code-999': (socket) => socket.end('HTTP/1.1 999 What\r\nContent-Length: 0\r\n\r\n'),
  'code-0': (socket) => socket.end('HTTP/1.1 000 What\r\nContent-Length: 0\r\n\r\n'),
  gzip: (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nxyz'),
  never: () => undefined,
};

/** Writes endlessly, as fast as the other side reads. */
function pour(socket: Socket, head: string, rest: string): void {
  socket.write(head);
  const more = (): void => {
    while (!socket.destroyed && socket.write(rest));
  };
  socket.on('drain', more);
  more();
}

export interface Receiver {
  /** `http://127.0.0.1:PORT/` */
  readonly url: string;
  /** The number of calls per kind of misbehaviour. */
  readonly calls: ReadonlyMap<string, number>;
  close(): void;
}

/** A webhook receiver with the behaviour that the path of the call names. */
export async function startHostileReceiver(): Promise<Receiver> {
  const sockets = new Set<Socket>();
  const calls = new Map<string, number>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    socket.once('data', (chunk: Buffer) => {
      const name = /^POST \/([\w-]+)/.exec(chunk.toString('latin1'))?.[1] ?? '';
      calls.set(name, (calls.get(name) ?? 0) + 1);
      misbehaviours[name]?.(socket, url);
    });
    socket.resume();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return {
    url,
    calls,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Addresses that don't exist, that must not be called, or that only look like an address. None leaves this machine. */
const oddUrl: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    'x',
    'ftp://127.0.0.1/',
    'file:///etc/passwd',
    'javascript:1',
    'http://',
    'http:///x',
    'http://[',
    'http://[::1]:1/',
    'http://127.0.0.1:0/',
    'http://127.0.0.1:1/',
    'http://127.0.0.1:65536/',
    'http://169.254.169.254/latest/meta-data',
    'http://0/',
    'http://0x7f.1:1/',
    'http://2130706433:1/',
    'http://[::ffff:10.0.0.1]/',
    'http://[fe80::1%25eth0]/',
    'http://10.0.0.1/',
    'http://255.255.255.255/',
    'http://%ff@127.0.0.1:1/',
    'http://a:%zz@127.0.0.1:1/',
    'http://u:p@127.0.0.1:1/%',
    'http://127.0.0.1:1/\u{1f600}?\u0000',
    `http://127.0.0.1:1/${'p'.repeat(8_000)}`,
    'https://127.0.0.1:1/',
    'HTTP://LOCALHOST:1',
    'http://localhost:{port}/',
    'https://localhost:{port}/',
    'data:text/plain,x',
  ),
  oddText.map((text) => `http://127.0.0.1:1/${text}`),
  oddText.map((text) => `http://${text.slice(0, 20).replaceAll(/[a-z]/gi, '')}@127.0.0.1:1/`),
  noise(20).map((text) => `//${text.replaceAll(/[a-z0-9]/gi, '')}`),
);

/** `encodeURIComponent` refuses half a character. */
const encoded = (text: string): string => encodeURIComponent(text.toWellFormed());

/** Submits with an invalid webhook, and submits whose webhook is the hostile receiver. */
export const malformedWebhook: fc.Arbitrary<SocketInput> = fc
  .record({
    tls: fc.boolean(),
    hook: fc.oneof(
      { arbitrary: oddUrl.map(encoded), weight: 2 },
      {
        arbitrary: fc
          .constantFrom(...Object.keys(misbehaviours).filter((name) => name !== 'never'))
          .map((name) => `{receiver%}${name}`),
        weight: 2,
      },
    ),
    body: fc.constantFrom('{"number": 1}', '{"number": 1}', '{"number": ', `{"number": 2, "x": "${'x'.repeat(2000)}"}`),
    storeIo: fc.boolean(),
  })
  .map(({ tls, hook, body, storeIo }) => ({
    host: 'queue',
    tls,
    pieces: [
      [
        `POST /{app}?fal_webhook=${hook} HTTP/1.1`,
        hostLine,
        'Authorization: Key {key}',
        'Content-Type: application/json',
        `Content-Length: ${body.length}`,
        ...(storeIo ? [] : ['X-Fal-Store-IO: 0']),
        'Connection: close',
        '',
        body,
      ].join('\r\n'),
    ],
    pauseMs: 0,
    ending: 'answer',
  }));

/** The behaviour that keeps a connection open for as long as the emulator allows. */
export const neverAnswers: SocketInput = {
  host: 'queue',
  tls: false,
  pieces: [
    `POST /{app}?fal_webhook={receiver%}never HTTP/1.1\r\n${hostLine}\r\nAuthorization: Key ` +
      '{key}\r\nContent-Type: application/json\r\nContent-Length: 13\r\nConnection: close\r\n\r\n{"number": 1}',
  ],
  pauseMs: 0,
  ending: 'answer',
};

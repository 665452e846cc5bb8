import { timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Http2Session, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { takesReserve } from '../../local/descriptors.ts';
import { loopbackHosts } from '../../wire/hosts.ts';

export interface LabelServer {
  readonly port: number;
  close(): void;
}

const path = '/Isolate/SetMetadata';
/** gRPC's framing of a message without fields: not compressed, no bytes. */
const emptyMessage = Buffer.alloc(5);
/** One for each runner, and some spare ones. */
const maxConnections = 2_048;
/** A runner makes two calls for each request that it handles. */
const maxStreams = 1_000;
/** The limits of a connection that hasn't presented the token: answers of a few bytes, and little time. */
const maxRefusals = 100;
const untrustedMs = 60_000;
/** The maximum number of connections without a token; a runner presents it at once. */
const maxUntrusted = 256;
const status = { permissionDenied: 7, unimplemented: 12, unauthenticated: 16 } as const;

/**
 * isolate's `SetMetadata` for runners, on a separate loopback port (docs/platform/runner-process.md#logs). The SDK's
 * app server calls it twice for each request and waits for the first answer; the labels themselves arrive another way
 * (emulator/runner/inside/streams.py), so the answer is always the same. Plain HTTP/2, because parsing an unused
 * message would cost an app's request more than the gateway does.
 *
 * `token`: what a runner must send as `controller-token`, compared in constant time.
 */
export async function listenForLabels(token: string): Promise<LabelServer> {
  const server = createServer({ settings: { maxConcurrentStreams: maxStreams } });
  const sessions = new Set<Http2Session>();
  /** Connections that haven't presented the token yet, and how many of their calls were refused. */
  const untrusted = new Map<Http2Session, number>();
  server.maxConnections = maxConnections;
  server.on('connection', (socket) => {
    if (takesReserve(socket)) socket.destroy();
  });
  server.on('session', (session) => {
    sessions.add(session);
    // The connection that has been silent the longest is closed: otherwise, one silent process could lock out all
    // runners.
    const [oldest] = untrusted.size < maxUntrusted ? [] : untrusted.keys();
    if (oldest) {
      untrusted.delete(oldest);
      oldest.destroy();
    }
    untrusted.set(session, 0);
    const timer = setTimeout(() => void (untrusted.has(session) && session.destroy()), untrustedMs).unref();
    session.once('close', () => {
      clearTimeout(timer);
      sessions.delete(session);
      untrusted.delete(session);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const authorities = loopbackHosts(port);

  server.on('stream', (stream, headers) => {
    // A runner died in the middle of a call: nobody waits for the answer.
    stream.on('error', () => stream.destroy());
    stream.resume();
    const refusal = check(headers, authorities, token);
    const { session } = stream;
    if (!session) return;
    if (!refusal) {
      untrusted.delete(session);
      return answer(stream);
    }
    const refused = (untrusted.get(session) ?? 0) + 1;
    untrusted.set(session, refused);
    if (refused > maxRefusals) session.destroy();
    else refuse(stream, refusal);
  });
  return {
    port,
    close() {
      server.close();
      for (const session of sessions) session.destroy();
    },
  };
}

interface Refusal {
  readonly code: number;
  readonly text: string;
}

function check(headers: IncomingHttpHeaders, authorities: readonly string[], token: string): Refusal | undefined {
  if (!authorities.includes(headers[':authority'] ?? '')) {
    return { code: status.permissionDenied, text: `This server answers to ${authorities.join(', ')} only.` };
  }
  if (!sameSecret(headers['controller-token'], token)) {
    return { code: status.unauthenticated, text: 'The controller token is missing or wrong.' };
  }
  return headers[':path'] === path
    ? undefined
    : { code: status.unimplemented, text: `This server answers only ${path}.` };
}

function answer(stream: ServerHttp2Stream): void {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.end(emptyMessage);
}

function refuse(stream: ServerHttp2Stream, { code, text }: Refusal): void {
  const headers = { 'content-type': 'application/grpc', 'grpc-status': String(code), 'grpc-message': text };
  stream.respond({ ':status': 200, ...headers }, { endStream: true });
}

/** Compares byte by byte in constant time. The length of our own token is no secret. */
function sameSecret(given: string | readonly string[] | undefined, expected: string): boolean {
  const [a, b] = [Buffer.from(typeof given === 'string' ? given : ''), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

import type { Server as HttpServer } from 'node:http';
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls';
import { UserError } from '../wire/errors.ts';
import { type ConnectionLimits, createConnectionLimits } from './connection-limits.ts';
import { type TlsMaterial, tlsVersion } from './tls/ca.ts';

/**
 * One port that speaks TLS and clear text, HTTP/1.1 and (if requested) HTTP/2, distinguished by the first bytes. It
 * decides only which server gets the socket; guard.ts decides which requests are permitted. Loopback only.
 */
export interface ListenDeps {
  /** 0: the system chooses. */
  readonly port: number;
  readonly tls: TlsMaterial;
  /** Receives HTTP/1.1 sockets through `emit('connection')`; needn't listen itself (see edge/http-server.ts). */
  readonly http: HttpServer;
  /**
   * Receives HTTP/2 sockets, with the bytes read so far put back; for example `injector.injectConnection` of grpc-js.
   */
  readonly http2?: (socket: Socket) => void;
  /**
   * How long a socket may be silent at first, including the TLS handshake. Browsers open spare connections, so it isn't
   * too short.
   */
  readonly firstByteTimeoutMs?: number;
  /** Shared by the ports of one emulator; by default, a port has its own. */
  readonly limits?: ConnectionLimits;
}

export interface Listener {
  readonly port: number;
  /** Addresses in use: 127.0.0.1, and ::1 where the machine has it. */
  readonly addresses: readonly string[];
  /** Closes the port and every connection that was made through it. */
  close(): Promise<void>;
}

const preface = Buffer.from('PRI * HTTP/2.0');
const tlsHandshakeRecord = 0x16;
/** For port 0, the number that the system assigns on 127.0.0.1 may be in use on ::1: try others. */
const portAttempts = 20;

/**
 * Listens on 127.0.0.1 and ::1 with the same port number; without ::1, on 127.0.0.1 alone.
 * Throws a UserError that names the port when it is taken.
 */
export async function listen(deps: ListenDeps): Promise<Listener> {
  const { tls, http, http2, firstByteTimeoutMs = 30_000, limits = createConnectionLimits() } = deps;
  const sockets = new Set<Socket>();
  const track = (socket: Socket): void => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  };
  const byProtocol = (socket: Socket, alpn: string | false | null): void => {
    if (alpn === 'h2' && http2) http2(socket);
    else if (alpn === 'http/1.1' || alpn === 'http/1.0' || !http2) http.emit('connection', socket);
    else byPreface(socket, http2);
  };
  const byPreface = (socket: Socket, http2: (socket: Socket) => void): void => {
    const decided = (bytes: Buffer): boolean => bytes.length >= preface.length || !startsLike(bytes, preface);
    peek(socket, decided, firstByteTimeoutMs, (bytes) => {
      if (startsLike(bytes, preface)) http2(socket);
      else http.emit('connection', socket);
    });
  };
  const tlsServer: TlsServer = createTlsServer({
    key: tls.key,
    cert: tls.cert,
    minVersion: tlsVersion,
    maxVersion: tlsVersion,
    SNICallback: (name, done) => done(null, tls.contextFor(name)),
    ALPNCallback: ({ protocols }) => chooseAlpn(protocols, http2 !== undefined),
    handshakeTimeout: firstByteTimeoutMs,
  });
  tlsServer.on('secureConnection', (socket) => {
    track(socket);
    socket.on('error', () => socket.destroy());
    byProtocol(socket, socket.alpnProtocol);
  });
  // Scanners, wrong CAs, aborted handshakes: not our errors. Node has destroyed the socket.
  tlsServer.on('tlsClientError', (_error, socket) => socket.destroy());

  http.prependListener('request', ({ socket }) => limits.noteUse(socket));
  http.prependListener('checkContinue', ({ socket }) => limits.noteUse(socket));
  http.prependListener('upgrade', ({ socket }) => limits.noteUse(socket));
  limits.onPressure(() => http.closeIdleConnections());

  const accept = (socket: Socket): void => {
    socket.on('error', () => socket.destroy());
    if (!limits.admit(socket)) return;
    track(socket);
    const any = (): boolean => true;
    peek(socket, any, firstByteTimeoutMs, (bytes) => {
      if (bytes[0] === tlsHandshakeRecord) {
        socket.allowHalfOpen = false; // like node:https: a client that disconnects during a handshake needs no answer
        tlsServer.emit('connection', socket);
      } else byProtocol(socket, null);
    });
  };

  const servers = await bind(deps.port, accept);
  const first = servers[0];
  if (!first) throw new Error('bind() promises a server');
  return {
    port: first.port,
    addresses: servers.map(({ address }) => address),
    async close() {
      const closed = servers.map(({ server }) => new Promise<void>((resolve) => server.close(() => resolve())));
      for (const socket of sockets) socket.destroy();
      await Promise.all(closed);
    },
  };
}

/**
 * Our HTTP/2 is gRPC alone. gRPC clients offer only h2 and drop a server that doesn't choose it; curl and browsers
 * offer both, but can't use a gRPC server. So HTTP/1.1 is chosen wherever it is offered, and HTTP/1.0 (which the same
 * server speaks) if nothing else is. `undefined`: refused with an alert.
 */
function chooseAlpn(offered: readonly string[], withHttp2: boolean): string | undefined {
  if (offered.includes('http/1.1')) return 'http/1.1';
  if (withHttp2 && offered.includes('h2')) return 'h2';
  return offered.includes('http/1.0') ? 'http/1.0' : undefined;
}

/**
 * Reads the first bytes of a socket until they are `enough`, puts them back, and passes them to `take`. A socket that
 * is silent for too long, ends, or fails before that is destroyed without an answer.
 */
function peek(
  socket: Socket,
  enough: (bytes: Buffer) => boolean,
  timeoutMs: number,
  take: (bytes: Buffer) => void,
): void {
  const timer = setTimeout(() => socket.destroy(), timeoutMs).unref();
  let held = Buffer.alloc(0);
  const stop = (): void => {
    clearTimeout(timer);
    socket.off('readable', onReadable).off('end', onEnd).off('close', stop);
  };
  const onEnd = (): void => {
    stop();
    socket.destroy();
  };
  const onReadable = (): void => {
    const chunk: Buffer | null = socket.read();
    if (chunk === null) return; // the end: 'end' follows
    held = Buffer.concat([held, chunk]);
    if (!enough(held)) return;
    stop();
    socket.unshift(held);
    take(held);
  };
  socket.on('readable', onReadable).on('end', onEnd).on('close', stop);
}

function startsLike(bytes: Buffer, pattern: Buffer): boolean {
  const length = Math.min(bytes.length, pattern.length);
  return bytes.subarray(0, length).equals(pattern.subarray(0, length));
}

interface BoundServer {
  readonly server: Server;
  readonly address: string;
  readonly port: number;
}

async function bind(port: number, accept: (socket: Socket) => void): Promise<readonly BoundServer[]> {
  for (let attempt = 1; ; attempt++) {
    const v4 = await open('127.0.0.1', port, accept);
    try {
      return [v4, await open('::1', v4.port, accept)];
    } catch (error) {
      const code = codeOf(error);
      if (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT' || code === 'EINVAL') return [v4];
      await new Promise<void>((resolve) => v4.server.close(() => resolve()));
      // If another program uses a fixed port on ::1, `localhost` would lead to that program and not to us.
      if (code === 'PORT_IN_USE' && port === 0 && attempt < portAttempts) continue;
      throw error;
    }
  }
}

function open(address: string, port: number, accept: (socket: Socket) => void): Promise<BoundServer> {
  // allowHalfOpen: like node:http's own servers; an HTTP server decides itself what a half-closed caller means.
  const server = createServer({ allowHalfOpen: true, noDelay: true }, accept);
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(describeListenError(error, address, port)));
    server.listen({ host: address, port, ipv6Only: address === '::1' }, () => {
      const bound = server.address();
      resolve({ server, address, port: typeof bound === 'object' && bound !== null ? bound.port : port });
    });
  });
}

function describeListenError(error: Error, address: string, port: number): Error {
  const code = codeOf(error);
  if (code === 'EADDRINUSE') {
    const next = 'Stop the program that uses it, or choose another port with `--port`.';
    return new UserError('PORT_IN_USE', `Port ${port} on ${address} is already in use.`, next);
  }
  if (code === 'EACCES') {
    const why = `You don't have permission to open port ${port} on ${address}.`;
    return new UserError('PORT_NOT_PERMITTED', why, 'Choose another port with `--port`.');
  }
  return error;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

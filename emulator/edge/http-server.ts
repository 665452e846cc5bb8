import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { toOriginForm } from './guard.ts';

/** How a host handles HTTP: requests, and sockets that request an upgrade. */
export interface EdgeHandlers {
  request(req: IncomingMessage, res: ServerResponse): void;
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void;
}

/**
 * Idle connections stay open longer than in the pools of the Python clients (5 s) and of Node's fetch (4 s), so that
 * the clients close first.
 */
const keepAliveTimeoutMs = 75_000;
const maxHeaderBytes = 64 * 1024;
/** How long a caller that was answered and asked to disconnect may stay. */
const lingerMs = 2_000;
/**
 * How long a caller that was answered may continue to send its body, in total and without data: most clients read no
 * answer before they have sent it.
 */
const restMs = { inAll: 60_000, silent: 5_000 };

/**
 * The maximum number of requests of one connection that wait for an earlier one: HTTP/1.1 has no limit, and hardly any
 * client does this.
 */
const maxPipelined = 100;

/**
 * A Node HTTP server for `listen()`: it doesn't listen itself. It has no time limit for a complete request (uploads and
 * answers may stream as long as they need), but one for its head. A missing Host is left to guard.ts, and unreadable
 * requests are answered with a request id, without a stack.
 */
export function edgeServer(handlers: EdgeHandlers, headersTimeoutMs = 60_000): Server {
  const options = {
    requireHostHeader: false,
    maxHeaderSize: maxHeaderBytes,
    keepAliveTimeout: keepAliveTimeoutMs,
    requestTimeout: 0,
    headersTimeout: headersTimeoutMs,
    connectionsCheckingInterval: headersTimeoutMs / 2,
    // Node >= 24.9: an offer of another protocol (Java's HttpClient offers h2c on every call) is ignored.
    shouldUpgradeCallback: (req: IncomingMessage) => isWebsocketUpgrade(req),
  };
  const resting = new Set<Socket>();
  const request = (req: IncomingMessage, res: ServerResponse): void => {
    if (res.socket === null && isTooManyBehind(req, res)) return void req.socket.destroy();
    toOriginForm(req);
    if (mayHaveBody(req)) {
      if (!res.shouldKeepAlive) closeBehindBody(req);
      res.on('finish', () => readRest(req, resting));
    }
    handlers.request(req, res);
  };
  const server = createServer(options, request);
  // A caller that was answered and only sends data that is discarded counts as idle, too.
  const closeIdle = server.closeIdleConnections.bind(server);
  server.closeIdleConnections = () => {
    closeIdle();
    for (const socket of resting) socket.destroy();
  };
  server.on('checkContinue', (req: IncomingMessage, res: ServerResponse) => {
    continueWhenRead(req, res);
    request(req, res);
  });
  server.on('upgrade', (req, socket, head) => {
    socket.on('error', () => socket.destroy());
    toOriginForm(req);
    if (isWebsocketUpgrade(req)) handlers.upgrade(req, socket, head);
    else writeRawAnswer(socket, 400, 'The only supported upgrade is websocket.');
  });
  server.on('clientError', (error: Error & { code?: string }, socket) => {
    if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy();
    const [status, detail] = refusals[error.code ?? ''] ?? [400, 'The request is not HTTP.'];
    writeRawAnswer(socket, status, detail);
  });
  // Node checks for unfinished heads only in a server that listens itself, which this one doesn't.
  server.emit('listening');
  return server;
}

const refusals: { readonly [code: string]: readonly [status: number, detail: string] } = {
  HPE_HEADER_OVERFLOW: [431, 'The request headers are too large.'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request headers did not arrive in time.'],
};

function isWebsocketUpgrade(req: IncomingMessage): boolean {
  return req.method === 'GET' && req.headers.upgrade?.toLowerCase() === 'websocket';
}

function mayHaveBody(req: IncomingMessage): boolean {
  return req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0;
}

const pipelined = new WeakMap<Duplex, number>();

/** Counts requests that arrived before an earlier one on their connection was answered. */
function isTooManyBehind({ socket }: IncomingMessage, res: ServerResponse): boolean {
  const count = (pipelined.get(socket) ?? 0) + 1;
  pipelined.set(socket, count);
  res.once('close', () => pipelined.set(socket, (pipelined.get(socket) ?? 1) - 1));
  return count > maxPipelined;
}

/**
 * After a complete answer: reads and discards the rest of the body for a while, so that the caller reads the answer.
 * @param resting contains its socket in the meantime
 */
function readRest(req: IncomingMessage, resting: Set<Socket>): void {
  if (req.complete || req.destroyed) return;
  const { socket } = req;
  let seen = socket.bytesRead;
  const end = setTimeout(() => socket.destroy(), restMs.inAll);
  // Observed on the socket: Node emits no more events for a body that nobody had started to read.
  const silence = setInterval(() => {
    if (socket.bytesRead === seen) socket.destroy();
    seen = socket.bytesRead;
  }, restMs.silent);
  const stop = (): void => {
    clearTimeout(end);
    clearInterval(silence);
    socket.off('close', stop);
    resting.delete(socket);
  };
  resting.add(socket);
  socket.once('close', stop);
  req.once('end', stop);
  req.resume();
}

/**
 * `Expect: 100-continue`: the caller is asked to continue when its body is about to be read, and not before an answer
 * that makes sending it unnecessary. After such an answer, the caller may or may not send the body, so the connection
 * can't be reused.
 */
function continueWhenRead(req: IncomingMessage, res: ServerResponse): void {
  const wasKept = res.shouldKeepAlive;
  res.shouldKeepAlive = false;
  req.once('resume', () => {
    if (res.headersSent) return;
    res.shouldKeepAlive = wasKept;
    res.writeContinue();
  });
}

/** Closing with unread bytes of the caller would reset the connection, and the caller would lose its answer. */
function closeBehindBody(req: IncomingMessage): void {
  const { socket } = req;
  const close = socket.destroySoon;
  socket.destroySoon = () => {
    if (req.complete) return close.call(socket);
    socket.end();
    req.once('end', () => close.call(socket));
  };
}

/**
 * Answers on a bare socket (before or instead of an upgrade) with JSON, and closes it. A text becomes `{"detail": …}`.
 */
export function writeRawAnswer(
  socket: Duplex,
  status: number,
  detail: string | Buffer,
  requestId: string = randomUUID(),
): void {
  const body = typeof detail === 'string' ? Buffer.from(JSON.stringify({ detail })) : detail;
  const head = [
    `HTTP/1.1 ${status} ${reasonPhrase(status)}`,
    'content-type: application/json',
    `content-length: ${body.length}`,
    `x-fal-request-id: ${requestId}`,
    'connection: close',
  ].join('\r\n');
  socket.end(Buffer.concat([Buffer.from(`${head}\r\n\r\n`), body]));
  // Data that the caller is still sending is read and discarded: unread data would hide the end of the connection, and
  // the socket would stay open forever.
  socket.resume();
  const cut = setTimeout(() => socket.destroy(), lingerMs);
  socket.once('close', () => clearTimeout(cut));
}

/**
 * Node's own phrases, and the one that the platform adds: JS clients show nothing else about an error
 * (docs/platform/gateway.md#errors).
 */
export function reasonPhrase(status: number): string {
  return status === 499 ? 'Client Closed Request' : (STATUS_CODES[status] ?? 'Unknown');
}

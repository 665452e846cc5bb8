import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { toOriginForm } from './guard.ts';

/** What a host does with HTTP: requests, and sockets that ask for an upgrade. */
export interface EdgeHandlers {
  request(req: IncomingMessage, res: ServerResponse): void;
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void;
}

/**
 * Idle connections outlive the pools of the Python clients (5 s) and of Node's fetch (4 s), so that they close first.
 */
const keepAliveTimeoutMs = 75_000;
const maxHeaderBytes = 64 * 1024;
/** How long a caller that was answered and asked to leave may stay. */
const lingerMs = 2_000;
/**
 * How long one that was answered may continue with its body, in all and silently: most clients read no answer before it
 * is sent.
 */
const restMs = { inAll: 60_000, silent: 5_000 };

/**
 * Requests of one connection behind one that isn't answered yet: HTTP/1.1 has no limit of its own, and hardly a client
 * does it.
 */
const maxPipelined = 100;

/**
 * A node HTTP server for `listen()`: it doesn't listen itself. No time limit on a whole request (uploads and answers
 * stream as long as they like), but one on its head; missing Host left to guard.ts, and unreadable requests answered
 * with a request id, without a stack.
 */
export function edgeServer(handlers: EdgeHandlers, headersTimeoutMs = 60_000): Server {
  const options = {
    requireHostHeader: false,
    maxHeaderSize: maxHeaderBytes,
    keepAliveTimeout: keepAliveTimeoutMs,
    requestTimeout: 0,
    headersTimeout: headersTimeoutMs,
    connectionsCheckingInterval: headersTimeoutMs / 2,
    // Node >= 24.9: an offer of another protocol (Java's HttpClient offers h2c on every call) is simply not taken up.
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
  // Who was answered and only sends what nobody wants is idle as well.
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
    else writeRawAnswer(socket, 400, 'The only upgrade here is to websocket.');
  });
  server.on('clientError', (error: Error & { code?: string }, socket) => {
    if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy();
    const [status, detail] = refusals[error.code ?? ''] ?? [400, 'The request is not HTTP.'];
    writeRawAnswer(socket, status, detail);
  });
  // Node's watch over unfinished heads begins when a server listens, which this one leaves to others.
  server.emit('listening');
  return server;
}

const refusals: { readonly [code: string]: readonly [status: number, detail: string] } = {
  HPE_HEADER_OVERFLOW: [431, 'The request headers are too large.'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request headers did not come in time.'],
};

function isWebsocketUpgrade(req: IncomingMessage): boolean {
  return req.method === 'GET' && req.headers.upgrade?.toLowerCase() === 'websocket';
}

function mayHaveBody(req: IncomingMessage): boolean {
  return req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0;
}

const pipelined = new WeakMap<Duplex, number>();

/** Counts requests that came before an earlier one on their connection was answered. */
function isTooManyBehind({ socket }: IncomingMessage, res: ServerResponse): boolean {
  const count = (pipelined.get(socket) ?? 0) + 1;
  pipelined.set(socket, count);
  res.once('close', () => pipelined.set(socket, (pipelined.get(socket) ?? 1) - 1));
  return count > maxPipelined;
}

/**
 * After a complete answer: reads the rest of the body away, for a while, so that the caller gets to the answer.
 * @param resting holds its socket meanwhile
 */
function readRest(req: IncomingMessage, resting: Set<Socket>): void {
  if (req.complete || req.destroyed) return;
  const { socket } = req;
  let seen = socket.bytesRead;
  const end = setTimeout(() => socket.destroy(), restMs.inAll);
  // By the socket: node emits nothing any more of a body that nobody had begun to read.
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
 * `Expect: 100-continue`: the caller hears that it may send when somebody wants to read, and not before the answer that
 * spares it the sending. Then nobody knows whether it sends all the same, and the connection can't be used again.
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

/** A close with the caller's bytes unread would reset the connection, and the caller would lose its answer. */
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
  // What the caller still sends is read away: unread, it would hide the end of the connection, and the socket would
  // stay for ever.
  socket.resume();
  const cut = setTimeout(() => socket.destroy(), lingerMs);
  socket.once('close', () => clearTimeout(cut));
}

/**
 * Node's own phrases, and the one that the platform adds: JS clients show nothing else of an error
 * (docs/platform/gateway.md#errors).
 */
export function reasonPhrase(status: number): string {
  return status === 499 ? 'Client Closed Request' : (STATUS_CODES[status] ?? 'Unknown');
}

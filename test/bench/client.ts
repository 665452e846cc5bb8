import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/**
 * One kept-alive HTTP/1.1 connection with minimal overhead, so that the measurement is of the other side: a request is
 * one write, an answer ends at its content-length or its last chunk. One request at a time.
 */
export interface Connection {
  /** Resolves to the whole answer. Rejects when the connection ends before. */
  exchange(request: Buffer): Promise<Answer>;
  close(): void;
}

export interface Answer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/**
 * Also calls from this address: a server of the SDK admits callers from its own address
 * (emulator/runner/inside/gate.py).
 */
export async function openConnection(port: number, host = '127.0.0.1'): Promise<Connection> {
  const socket: Socket = connect({ host, port, noDelay: true, localAddress: host });
  await once(socket, 'connect');
  let received = Buffer.alloc(0);
  let waiting: { resolve(answer: Answer): void; reject(error: Error): void } | undefined;
  const fail = (error: Error): void => {
    waiting?.reject(error);
    waiting = undefined;
  };
  socket.on('error', fail);
  socket.on('close', () => fail(new Error(`the connection to port ${port} ended before the answer`)));
  socket.on('data', (chunk) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    const found = parse(received);
    if (!found) return;
    received = received.subarray(found.length);
    const done = waiting;
    waiting = undefined;
    done?.resolve(found.answer);
  });
  return {
    exchange: (request) =>
      new Promise((resolve, reject) => {
        if (waiting || socket.destroyed) return reject(new Error('the connection is busy or closed'));
        waiting = { resolve, reject };
        socket.write(request);
      }),
    close: () => socket.destroy(),
  };
}

/** The bytes of one request. `headers` without host and content-length. */
export function requestBytes(
  method: string,
  path: string,
  headers: { readonly [name: string]: string },
  body?: unknown,
): (port: number) => Buffer {
  const content = body === undefined ? '' : JSON.stringify(body);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  if (body !== undefined)
    lines.push(`content-type: application/json\r\ncontent-length: ${Buffer.byteLength(content)}\r\n`);
  return (port) =>
    Buffer.from(`${method} ${path} HTTP/1.1\r\nhost: localhost:${port}\r\n${lines.join('')}\r\n${content}`);
}

function parse(bytes: Buffer): { answer: Answer; length: number } | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const [statusLine = '', ...lines] = bytes.toString('latin1', 0, headEnd).split('\r\n');
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  const status = Number(statusLine.split(' ')[1]);
  const start = headEnd + 4;
  const framed = headers.get('transfer-encoding') === 'chunked' ? chunked(bytes, start) : sized(bytes, start, headers);
  return framed && { answer: { status, headers, body: framed.body }, length: framed.end };
}

function sized(bytes: Buffer, start: number, headers: ReadonlyMap<string, string>) {
  const end = start + Number(headers.get('content-length') ?? 0);
  return bytes.length < end ? undefined : { body: bytes.toString('utf8', start, end), end };
}

function chunked(bytes: Buffer, start: number): { body: string; end: number } | undefined {
  const parts: Buffer[] = [];
  for (let at = start; ; ) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16);
    const next = lineEnd + 2 + size + 2;
    if (bytes.length < next) return undefined;
    if (size === 0) return { body: Buffer.concat(parts).toString('utf8'), end: next };
    parts.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = next;
  }
}

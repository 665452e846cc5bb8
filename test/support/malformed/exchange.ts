import { connect as connectTcp, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import type { Host } from '../http.ts';

/** The targets of the inputs, and the credentials that make them look like a real client's. */
export interface Bed {
  readonly ports: { readonly [H in Host]: number };
  /** The emulator's own certificate authority. */
  readonly ca: string;
  /** `id:secret` */
  readonly key: string;
  /** `owner/alias` of an app that echoes, streams, and speaks realtime. */
  readonly app: string;
  readonly runnerId: string;
  /** The token that a runner sends to SetMetadata. */
  readonly token: string;
  /** Address of the hostile receiver of webhooks. */
  readonly receiver: string;
}

/**
 * The bytes for a socket, and how the client ends the connection. Holes in them (`{key}`, `{port}` …) are filled from
 * the bed.
 */
export interface SocketInput {
  readonly host: Host;
  readonly tls: boolean;
  /** What ALPN offers over TLS. */
  readonly offers?: readonly string[];
  /** Latin-1, one character a byte; written one after the other, with a little time between. */
  readonly pieces: readonly string[];
  readonly pauseMs: number;
  /**
   * `close`: waits for the server to close; `answer`: closes after an answer; `finish`: half-closes the connection;
   * `leave`, `reset`: disconnects immediately.
   */
  readonly ending: 'close' | 'answer' | 'finish' | 'leave' | 'reset';
}

/** An exchange that takes longer than this is a hang. */
export const patienceMs = 30_000;
/** An answer counts as complete after this much silence. */
const quietMs = 40;

export class Hang extends Error {}

/** Plays the client. Resolves with every byte that came back (latin-1) once the connection is closed on both sides. */
export async function exchange(bed: Bed, input: SocketInput): Promise<string> {
  const port = bed.ports[input.host];
  const tcp = connectTcp({ host: '127.0.0.1', port });
  tcp.on('error', () => undefined);
  const socket: Socket = input.tls
    ? connectTls({
        socket: tcp,
        ca: bed.ca,
        servername: 'localhost',
        ...(input.offers ? { ALPNProtocols: [...input.offers] } : {}),
      })
    : tcp;
  const received: Buffer[] = [];
  let lastByteAt = 0;
  socket.on('data', (chunk: Buffer) => {
    received.push(chunk);
    lastByteAt = performance.now();
  });
  // Closing the connection is a valid answer to malformed input.
  socket.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  const isClosed = () => socket.destroyed;
  const open = new Promise<void>((resolve) => socket.once(input.tls ? 'secureConnect' : 'connect', () => resolve()));
  const deadline = performance.now() + patienceMs;
  await Promise.race([open, closed, delay(patienceMs, undefined, { ref: false })]);

  for (const [place, piece] of input.pieces.entries()) {
    if (place > 0 || input.pauseMs > 50) await delay(input.pauseMs);
    if (isClosed() || !socket.writable) break;
    socket.write(Buffer.from(fill(bed, input.host, piece), 'latin1'));
  }
  if (input.ending === 'leave') {
    await delay(input.pauseMs);
    socket.destroy();
  } else if (input.ending === 'reset') {
    await delay(input.pauseMs);
    tcp.resetAndDestroy();
  } else {
    if (input.ending === 'answer') await answered();
    if (input.ending !== 'close' && socket.writable) socket.end();
  }
  await Promise.race([closed, delay(Math.max(1, deadline - performance.now()), undefined, { ref: false })]);
  if (!isClosed()) {
    socket.destroy();
    throw new Hang(`no close within ${patienceMs} ms; ${received.length} chunks had come`);
  }
  return Buffer.concat(received).toString('latin1');

  async function answered(): Promise<void> {
    while (!isClosed()) {
      const now = performance.now();
      if (lastByteAt > 0 && now - lastByteAt > quietMs) return;
      if (now > deadline - 1_000) {
        socket.destroy();
        throw new Hang(`no answer within ${patienceMs} ms`);
      }
      await delay(10);
    }
  }
}

/** The replacement has the same length, so that lengths in binary messages stay correct. */
export const runnerHole = `{runner${'-'.repeat(28)}}`;

/** Fills the holes of a text: `{key}`, `{token}`, `{app}`, `{port}`, `{runner…}`, `{receiver%}` (percent-encoded). */
export function fill(bed: Bed, host: Host, text: string): string {
  return text
    .replaceAll('{key}', bed.key)
    .replaceAll('{token}', bed.token)
    .replaceAll('{app}', bed.app)
    .replaceAll('{port}', String(bed.ports[host]))
    .replaceAll(runnerHole, bed.runnerId)
    .replaceAll('{receiver%}', encodeURIComponent(bed.receiver));
}

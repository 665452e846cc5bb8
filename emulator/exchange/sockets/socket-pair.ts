import type { RawData, WebSocket } from 'ws';

/**
 * One side of a tunnel: its messages wait until the other side is there, then flow, no faster than that side takes
 * them.
 */
export interface Half {
  readonly socket: WebSocket;
  /** How this side closed; 1006 until then, and when it just broke off. */
  readonly closedBy: Closing;
  /**
   * Whether there is something to say to the other side although this one has closed: it said goodbye behind messages.
   */
  hasLastWords(): boolean;
  /** Sends what was held, then everything, to `other`. Order, boundaries and text/binary kind are kept. */
  to(other: WebSocket): void;
}

interface Closing {
  readonly code: number;
  readonly reason: string;
}

/** Bytes on their way to a slow reader before the sender is paused. */
export const highWaterBytes = 1024 * 1024;
const pingIntervalMs = 1_000;
/** How long a side that has read everything may take to answer a close. */
const answerMs = 30_000;
/**
 * For the sockets of a tunnel. By default `ws` destroys a socket, with the messages that were not read yet, 30 s after
 * its close: too early for an app that computes for a minute in between. But a side that is stalled for good must not
 * keep its connection and its messages for good.
 */
export const patient = { closeTimeout: 60 * 60 * 1000 } as const;

/**
 * Starts to listen to `socket`, which is a `patient` one.
 * @param mostBytes that are held before `to` is called, and that are on their way to a slow reader after it, until
 *   nothing more is read. That much reaches the other side even when this one closes behind it and nobody reads for a
 *   long time.
 */
export function forward(socket: WebSocket, mostBytes: number): Half {
  let held: { readonly data: RawData; readonly binary: boolean }[] = [];
  let heldBytes = 0;
  let target: WebSocket | undefined;
  let closedBy: Closing = { code: 1006, reason: '' };

  const pass = (other: WebSocket, data: RawData, binary: boolean): void => {
    other.send(data, { binary }, () => {
      if (socket.isPaused && other.bufferedAmount < mostBytes) socket.resume();
    });
    if (other.bufferedAmount >= mostBytes) socket.pause();
  };
  socket.on('message', (data, binary) => {
    // We have closed it: what it sends until it has heard of that is for nobody.
    if (socket.readyState !== socket.OPEN) return;
    if (target) return pass(target, data, binary);
    held.push({ data, binary });
    heldBytes += sizeOf(data);
    if (heldBytes > mostBytes) socket.pause();
  });
  socket.on('close', (code, reason) => {
    closedBy = { code, reason: reason.toString() };
  });
  socket.on('error', () => cutLater(socket)); // 'close' follows

  return {
    socket,
    get closedBy() {
      return closedBy;
    },
    hasLastWords: () => held.length > 0 && closedBy.code !== 1006,
    to(other) {
      target = other;
      const waiting = held;
      held = [];
      for (const { data, binary } of waiting) pass(other, data, binary);
      if (socket.isPaused && other.bufferedAmount < mostBytes) socket.resume();
    },
  };
}

/** Resolves at once while `socket` takes what it is sent, else when it has taken all of it, or is closed. */
export async function keepsUp(socket: WebSocket): Promise<void> {
  if (socket.bufferedAmount < highWaterBytes || socket.readyState !== socket.OPEN) return;
  // What is sent is taken in order.
  await new Promise<void>((resolve) => socket.ping('', undefined, () => resolve()));
}

/**
 * Closes a `patient` socket behind everything that it was sent, with the same code, as far as a code may be sent at
 * all: 1005 and 1006 only say that none was. A side that is stalled keeps its connection for an hour; one that has read
 * everything (it answers a ping) and does not answer the close is cut off.
 */
export function closeLike(socket: WebSocket, { code, reason }: Closing): void {
  if (socket.readyState !== socket.OPEN) return;
  socket.ping();
  socket.once('pong', () => cutLater(socket));
  // Unread, its answer to the close would never be seen; nor would it see ours while it is still sending.
  if (socket.isPaused) socket.resume();
  if (code === 1005) socket.close();
  else socket.close(sendable(code) ? code : 1011, reason);
}

function cutLater(socket: WebSocket): void {
  const cut = setTimeout(() => socket.terminate(), answerMs);
  socket.once('close', () => clearTimeout(cut));
}

/**
 * Finds out that a caller has vanished whose socket isn't read at present: the system answers a ping to a closed end
 * with a reset.
 */
export function pingWhilePaused(socket: WebSocket): void {
  const pinging = setInterval(() => {
    if (socket.isPaused && socket.readyState === socket.OPEN) socket.ping();
  }, pingIntervalMs);
  pinging.unref();
  socket.once('close', () => clearInterval(pinging));
}

function sendable(code: number): boolean {
  return (code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code)) || (code >= 3000 && code <= 4999);
}

export function sizeOf(data: RawData): number {
  if (Array.isArray(data)) return data.reduce((sum, part) => sum + part.length, 0);
  return data.byteLength;
}

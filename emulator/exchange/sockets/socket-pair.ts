import type { RawData, WebSocket } from 'ws';

/**
 * One side of a tunnel. Its messages wait until the other side is available, then flow no faster than the other side
 * takes them.
 */
export interface SocketHalf {
  readonly socket: WebSocket;
  /** How this side closed; 1006 before that, and when the connection broke off. */
  readonly closedBy: Closing;
  /** Whether messages and a close from this side still have to reach the other one, although this side has closed. */
  hasPendingMessages(): boolean;
  /** Sends the held messages, then all later ones, to `other`. Order, boundaries, and the text/binary kind are kept. */
  to(other: WebSocket): void;
}

interface Closing {
  readonly code: number;
  readonly reason: string;
}

/** Bytes that may be in transit to a slow reader before the sender is paused. */
export const highWaterBytes = 1024 * 1024;
const pingIntervalMs = 1_000;
/** How long a side that has read everything may take to answer a close. */
const answerMs = 30_000;
/**
 * Options for the sockets of a tunnel. By default, `ws` destroys a socket, with its unread messages, 30 s after its
 * close: too early for an app that computes for a minute in between. But a side that is permanently stalled must not
 * keep its connection and its messages forever.
 */
export const longClose = { closeTimeout: 60 * 60 * 1000 } as const;

/**
 * Starts to listen to `socket`, which must be created with `longClose`.
 * @param maxBytes the number of bytes that are held before `to` is called, and that may be in transit to a slow reader
 *   after it; beyond it, reading pauses. This many bytes reach the other side even if this side closes after them and
 *   nobody reads for a long time.
 */
export function forward(socket: WebSocket, maxBytes: number): SocketHalf {
  let held: { readonly data: RawData; readonly binary: boolean }[] = [];
  let heldBytes = 0;
  let target: WebSocket | undefined;
  let closedBy: Closing = { code: 1006, reason: '' };

  const pass = (other: WebSocket, data: RawData, binary: boolean): void => {
    other.send(data, { binary }, () => {
      if (socket.isPaused && other.bufferedAmount < maxBytes) socket.resume();
    });
    if (other.bufferedAmount >= maxBytes) socket.pause();
  };
  socket.on('message', (data, binary) => {
    // We have closed this socket: what it sends before it receives our close is discarded.
    if (socket.readyState !== socket.OPEN) return;
    if (target) return pass(target, data, binary);
    held.push({ data, binary });
    heldBytes += sizeOf(data);
    if (heldBytes > maxBytes) socket.pause();
  });
  socket.on('close', (code, reason) => {
    closedBy = { code, reason: reason.toString() };
  });
  socket.on('error', () => terminateLater(socket)); // 'close' follows

  return {
    socket,
    get closedBy() {
      return closedBy;
    },
    hasPendingMessages: () => held.length > 0 && closedBy.code !== 1006,
    to(other) {
      target = other;
      const waiting = held;
      held = [];
      for (const { data, binary } of waiting) pass(other, data, binary);
      if (socket.isPaused && other.bufferedAmount < maxBytes) socket.resume();
    },
  };
}

/** Resolves at once while `socket` accepts data; otherwise, when it has accepted everything or is closed. */
export async function keepsUp(socket: WebSocket): Promise<void> {
  if (socket.bufferedAmount < highWaterBytes || socket.readyState !== socket.OPEN) return;
  // Data is accepted in the order in which it was sent.
  await new Promise<void>((resolve) => socket.ping('', undefined, () => resolve()));
}

/**
 * Closes a `longClose` socket after everything that was sent to it, with the same code if that code may be sent at all:
 * 1005 and 1006 only mean that no code was sent. A stalled side keeps its connection for an hour; a side that has read
 * everything (it answers a ping) but does not answer the close is cut off.
 */
export function closeLike(socket: WebSocket, { code, reason }: Closing): void {
  if (socket.readyState !== socket.OPEN) return;
  socket.ping();
  socket.once('pong', () => terminateLater(socket));
  // The socket must be read: otherwise we never see its answer to the close, and it never sees our close while it
  // sends.
  if (socket.isPaused) socket.resume();
  if (code === 1005) socket.close();
  else socket.close(sendable(code) ? code : 1011, reason);
}

function terminateLater(socket: WebSocket): void {
  const cut = setTimeout(() => socket.terminate(), answerMs);
  socket.once('close', () => clearTimeout(cut));
}

/**
 * Detects that a caller has vanished while its socket isn't being read: the system answers a ping to a closed end with
 * a reset.
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

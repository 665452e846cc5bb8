import type { Response } from 'express';

/** Comments keep proxies and idle timers from closing a quiet stream. */
const heartbeatMs = 15_000;
/** A reader this far behind is cut off rather than buffered without end; it can resume with `since`. */
const mostBufferedBytes = 16 * 1024 * 1024;
const longestTimerMs = 2 ** 31 - 1;

export interface EventStream {
  /** One `data:` event with this object as JSON. */
  send(event: object): void;
  /** Called once, whoever ends the stream. */
  onClose(listener: () => void): void;
  /** Ends the stream at this instant (milliseconds since the epoch). */
  closeAt(at: number): void;
}

/** Turns a response into server-sent events (rest-api.md §3). */
export function openEventStream(response: Response): EventStream {
  response.status(200).set({
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
    'x-accel-buffering': 'no',
  });
  response.flushHeaders();
  const heartbeat = setInterval(() => response.write(': still here\n\n'), heartbeatMs);
  let ending: NodeJS.Timeout | undefined;
  response.once('close', () => {
    clearInterval(heartbeat);
    clearTimeout(ending);
  });
  return {
    send(event) {
      if (response.destroyed || response.writableEnded) return;
      response.write(`data: ${JSON.stringify(event)}\n\n`);
      if (response.writableLength > mostBufferedBytes) response.destroy();
    },
    onClose: (listener) => void response.once('close', listener),
    closeAt(at) {
      const inMs = Math.min(Math.max(0, at - Date.now()), longestTimerMs);
      ending = setTimeout(() => response.end(), inMs);
    },
  };
}

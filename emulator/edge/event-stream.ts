import type { Response } from 'express';
import { maxTimerMs } from '../local/loop/timers.ts';
import { writeOrCut } from './slow-reader.ts';

/** Comments keep proxies and idle timers from closing a quiet stream. */
const heartbeatMs = 15_000;

export interface EventStream {
  /**
   * Sends one `data:` event with this object as JSON. A reader that is far behind is cut off; it can resume with
   * `since`.
   */
  send(event: object, type?: string): void;
  /** The same with JSON that is text already, and the id with which a reader continues after this event. */
  sendText(json: string, options: { readonly type?: string; readonly id: string | undefined }): void;
  /** Resolves at once while the reader accepts data; otherwise, when it has accepted everything or has disconnected. */
  keepsUp(): Promise<void>;
  /** Called once, no matter which side ends the stream. */
  onClose(listener: () => void): void;
  /** Ends the stream at this instant (milliseconds since the epoch). */
  closeAt(at: number): void;
}

/** Turns a response into server-sent events (docs/platform/rest.md#logs). */
export function openEventStream(response: Response): EventStream {
  response.status(200).set({
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
    'x-accel-buffering': 'no',
  });
  response.flushHeaders();
  const heartbeat = setInterval(() => writeOrCut(response, ': still here\n\n'), heartbeatMs);
  let ending: NodeJS.Timeout | undefined;
  response.once('close', () => {
    clearInterval(heartbeat);
    clearTimeout(ending);
  });
  return {
    send(event, type) {
      writeOrCut(response, `${type === undefined ? '' : `event: ${type}\n`}data: ${JSON.stringify(event)}\n\n`);
    },
    sendText(json, { type, id }) {
      const head = `${type === undefined ? '' : `event: ${type}\n`}${id === undefined ? '' : `id: ${id}\n`}`;
      writeOrCut(response, `${head}data: ${json}\n\n`);
    },
    async keepsUp() {
      if (!response.writableNeedDrain || response.destroyed) return;
      await new Promise<void>((resolve) => {
        const go = (): void => {
          response.off('drain', go).off('close', go);
          resolve();
        };
        response.on('drain', go).on('close', go);
      });
    },
    onClose: (listener) => void response.once('close', listener),
    closeAt(at) {
      if (response.destroyed) return;
      const inMs = Math.min(Math.max(0, at - Date.now()), maxTimerMs);
      ending = setTimeout(() => response.end(), inMs);
    },
  };
}

import type { Replies } from './handlers.ts';
import { type LogMessage, logMessage } from './messages.ts';

/** The number of lines that a client can be behind before the oldest ones are dropped. */
const maxPending = 20_000;
const atOnce = 1_000;

/**
 * Sends log lines as fast as the client reads them. A runner that prints faster than the client reads costs a limited
 * amount of memory, and a separate line reports the gap.
 */
export function createLogPump(replies: Replies, clock: () => number) {
  let pending: LogMessage[] = [];
  let leftOut = 0;
  let waiting = false;

  function flush(): void {
    if (leftOut > 0) pending.unshift(gap(leftOut, clock()));
    if (pending.length > 0) replies.send({ logs: pending });
    pending = [];
    leftOut = 0;
  }

  function pump(): void {
    if (waiting) return;
    if (replies.ready()) {
      flush();
      return;
    }
    waiting = true;
    replies.onReady(() => {
      waiting = false;
      pump();
    });
  }

  return {
    push(line: LogMessage): void {
      pending.push(line);
      if (pending.length > maxPending) {
        pending = pending.slice(atOnce);
        leftOut += atOnce;
      }
      pump();
    },
    /** Sends the remaining lines, whether or not the client keeps up: the result comes next. */
    flush,
  };
}

function gap(lines: number, at: number): LogMessage {
  const message = `minifal: ${lines} lines were omitted here, because they arrived faster than this client reads.`;
  return logMessage({ message, source: 'BRIDGE', level: 'WARNING', at });
}

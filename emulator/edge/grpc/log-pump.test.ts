import { describe, expect, it } from 'vitest';
import type { Replies } from './handlers.ts';
import { createLogPump } from './log-pump.ts';
import { type LogMessage, logMessage } from './messages.ts';

/** A client that reads when the test triggers it. */
function client() {
  const received: LogMessage[] = [];
  let slow = false;
  let resume = () => {};
  const replies: Replies = {
    send: (message) => void received.push(...(message as { logs: LogMessage[] }).logs),
    ready: () => !slow,
    onReady: (listener) => {
      resume = listener;
    },
  };
  return {
    replies,
    texts: () => received.map(({ message }) => message),
    stall: () => {
      slow = true;
    },
    resume: () => {
      slow = false;
      resume();
    },
  };
}

const line = (message: string) => logMessage({ message, source: 'USER', level: 'INFO', at: 0 });

describe('log lines on a stream', () => {
  it('are sent at once while the client keeps up', () => {
    const { replies, texts } = client();
    const pump = createLogPump(replies, () => 0);
    pump.push(line('a'));
    pump.push(line('b'));
    expect(texts()).toEqual(['a', 'b']);
  });

  it('wait for a slow client and keep their order', () => {
    const slow = client();
    const pump = createLogPump(slow.replies, () => 0);
    slow.stall();
    for (const text of ['a', 'b', 'c']) pump.push(line(text));
    expect(slow.texts()).toEqual([]);
    slow.resume();
    pump.push(line('d'));
    expect(slow.texts()).toEqual(['a', 'b', 'c', 'd']);
  });

  it('the oldest are dropped when far too many wait, and a line reports how many', () => {
    const slow = client();
    const pump = createLogPump(slow.replies, () => 0);
    slow.stall();
    for (let n = 0; n < 20_001; n++) pump.push(line(String(n)));
    slow.resume();
    const texts = slow.texts();
    expect(texts[0]).toContain('1000 lines were omitted');
    expect(texts.slice(1, 2)).toEqual(['1000']);
    expect(texts.at(-1)).toBe('20000');
  });

  it('remaining lines are sent before the result, even if the client is not ready', () => {
    const slow = client();
    const pump = createLogPump(slow.replies, () => 0);
    slow.stall();
    pump.push(line('a'));
    pump.flush();
    slow.resume();
    expect(slow.texts()).toEqual(['a']);
  });
});

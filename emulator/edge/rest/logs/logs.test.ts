import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { LogLine } from '../../../telemetry/types.ts';
import { slowPoll } from '../../testing/rooms.ts';
import { restServer } from '../testing/rest.ts';

const base = Date.parse('2026-01-02T03:00:00.000Z');
const line = (at: number, message: string, change: Partial<LogLine> = {}): Omit<LogLine, 'seq'> => ({
  at: base + at,
  level: 'INFO',
  source: 'USER',
  stream: 'stdout',
  message,
  alias: 'greet',
  revision: 'rev',
  runnerId: 'r1',
  requestId: 'q1',
  endpoint: '/',
  ...change,
});
const historyPage = z.object({
  items: z.array(z.looseObject({ message: z.string() })),
  next_until: z.string().nullable(),
});

/** Reads the whole history the way `fal runners logs` does. */
async function wholeHistory(get: (query: string) => Promise<unknown>, size: number): Promise<string[]> {
  const messages: string[] = [];
  let until: string | null = '';
  while (until !== null) {
    const bound: string = until === '' ? '' : `&until=${encodeURIComponent(until)}`;
    const { items, next_until } = historyPage.parse(await get(`job_id=r1&page_size=${size}${bound}`));
    messages.push(...items.map(({ message }) => message));
    until = next_until;
  }
  return messages;
}

describe('POST /logs/history', () => {
  it('is newest first, with labels, for one runner', async () => {
    const { send, logs, rooms } = await restServer();
    logs.append(line(0, 'a'));
    logs.append(line(1, 'b'));
    logs.append(line(2, 'other', { runnerId: 'r2' }));
    const { json } = await send('POST', '/logs/history?job_id=r1');
    const owner = rooms.catalog.account.nickname;
    expect(json).toMatchObject({
      items: [
        {
          timestamp: '2026-01-02T03:00:00.001Z',
          level: 'INFO',
          message: 'b',
          app: `${owner}/greet`,
          revision: 'rev',
          labels: {
            fal_job_id: 'r1',
            fal_request_id: 'q1',
            fal_endpoint: '/',
            fal_app_id: 'rev',
            fal_app_name: 'greet',
          },
        },
        { message: 'a' },
      ],
      next_until: null,
    });
  });

  it.each([1, 2, 3, 4, 100])(
    'in pages of %i nothing is lost or doubled, also where many lines share a millisecond',
    async (size) => {
      const { send, logs } = await restServer();
      const times = [0, 0, 0, 0, 0, 1, 2, 2, 3, 9];
      times.forEach((at, index) => {
        logs.append(line(at, String(index)));
      });
      const read = async (query: string) => (await send('POST', `/logs/history?${query}`)).json;
      expect(await wholeHistory(read, size)).toEqual(['9', '8', '7', '6', '5', '4', '3', '2', '1', '0']);
    },
  );

  it('bounds and search; a time without offset is UTC', async () => {
    const { send, logs } = await restServer();
    for (const at of [0, 1000, 2000]) logs.append(line(at, `line ${at}`));
    const { json } = await send(
      'POST',
      '/logs/history?job_id=r1&since=2026-01-02T03:00:01&until=2026-01-02T03:00:02%2B00:00',
    );
    expect(historyPage.parse(json).items.map(({ message }) => message)).toEqual(['line 1000']);
    const found = await send('POST', '/logs/history?job_id=r1&search=LINE%202');
    expect(historyPage.parse(found.json).items).toHaveLength(1);
  });

  it('without a runner, or with a time that is none, is 422', async () => {
    const { send } = await restServer();
    expect((await send('POST', '/logs/history')).status).toBe(422);
    expect((await send('POST', '/logs/history?job_id=r&since=yesterday')).status).toBe(422);
  });
});

describe('POST /logs/stream', () => {
  it('sends a long history to a reader that keeps up, followed by lines that arrived in the meantime', async () => {
    const { logs, authorization, url } = await restServer();
    const long = 'x'.repeat(8_000);
    for (let n = 0; n < 4_000; n++) logs.append(line(n, `${n} ${long}`));
    const abort = new AbortController();
    const response = await fetch(url('/logs/stream?job_id=r1'), {
      method: 'POST',
      headers: { authorization },
      signal: abort.signal,
    });
    logs.append(line(5_000, 'the last one'));
    const chunks: Buffer[] = [];
    for await (const chunk of response.body ?? []) {
      chunks.push(Buffer.from(chunk));
      if (Buffer.concat(chunks.slice(-2)).includes('the last one')) break;
    }
    const text = Buffer.concat(chunks).toString();
    abort.abort();
    const numbers = [...text.matchAll(/"message":"(\d+) x/g)].map(([, number]) => Number(number));
    expect(numbers).toEqual(Array.from({ length: 4_000 }, (_, n) => n));
  });

  it('reports the history, then each new line once, and unsubscribes when the reader disconnects', async () => {
    const { url, authorization, logs, followers } = await restServer();
    logs.append(line(0, 'before'));
    const leave = new AbortController();
    const response = await fetch(url('/logs/stream?job_id=r1'), {
      method: 'POST',
      headers: { authorization, accept: 'text/event-stream' },
      signal: leave.signal,
    });
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    logs.append(line(1, 'after'));
    logs.append(line(1, 'of another runner', { runnerId: 'r2' }));
    logs.append(line(2, 'last'));
    const events: string[] = [];
    const decoder = new TextDecoder();
    let text = '';
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk, { stream: true });
      const whole = text.split('\n\n').slice(0, -1);
      events.splice(0, events.length, ...whole);
      if (events.length >= 3) break;
    }
    const messages = events.map((event) => JSON.parse(event.replace(/^data: /, '')).message);
    expect(messages).toEqual(['before', 'after', 'last']);
    leave.abort();
    await expect.poll(() => followers.size, slowPoll).toBe(0);
  });

  it('ends at `until`', async () => {
    const { send, logs } = await restServer();
    logs.append(line(0, 'a'));
    const { text } = await send('POST', '/logs/stream?job_id=r1&until=2026-01-02T03:00:01Z');
    expect(text).toMatch(/^data: \{.*"message":"a".*\}\n\n$/);
  });
});

describe('/logs/', () => {
  it('GET with traceback=true gives only tracebacks, unwrapped and multi-line', async () => {
    const { get, logs } = await restServer();
    logs.append(line(0, 'plain'));
    logs.append(line(1, '{"traceback": "ValueError: x\\n  File \\"a.py\\""}'));
    const { json } = await get('/logs/?traceback=true&since=2026-01-02T02:59:00');
    expect(json).toMatchObject([{ message: 'ValueError: x\n  File "a.py"' }]);
    expect((await get('/logs/?traceback=true&since=2026-01-02T04:00:00')).json).toEqual([]);
  });

  it('POST filters by app, level and labels; an unknown label is 422', async () => {
    const { send, logs } = await restServer();
    logs.append(line(0, 'a'));
    logs.append(line(1, 'b', { level: 'ERROR', requestId: 'q2' }));
    logs.append(line(2, 'c', { alias: 'other' }));
    const messages = async (query: string, body?: object) => {
      const { json } = await send('POST', `/logs/${query}`, body);
      return z
        .array(z.looseObject({ message: z.string() }))
        .parse(json)
        .map(({ message }) => message);
    };
    expect(await messages('')).toEqual(['c', 'b', 'a']);
    expect(await messages('?app_id=local/greet&limit=1')).toEqual(['b']);
    expect(await messages('?level=error')).toEqual(['b']);
    expect(await messages('', { extra_filters: [{ key: 'fal_request_id', value: 'q2' }] })).toEqual(['b']);
    const unknown = await send('POST', '/logs/', { extra_filters: [{ key: 'colour', value: 'red' }] });
    expect(unknown.status).toBe(422);
  });
});

describe('GET /runners/ID', () => {
  it('reports its start and end; unknown is 404', async () => {
    const { get, runnerHistory, state } = await restServer();
    const runner = { id: 'r1', alias: 'greet', revision: 'rev', machineType: 'S', startedAt: state.now - 1000 };
    runnerHistory.started(runner);
    expect((await get('/runners/r1')).json).toEqual({ started_at: '2026-01-02T03:04:04.678Z', ended_at: null });
    runnerHistory.ended('r1', state.now, 'done');
    expect((await get('/runners/r1')).json).toMatchObject({ ended_at: '2026-01-02T03:04:05.678Z' });
    expect(await get('/runners/bogus')).toMatchObject({ status: 404, json: { detail: expect.any(String) } });
  });
});

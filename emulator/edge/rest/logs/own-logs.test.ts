import { describe, expect, it } from 'vitest';
import type { LogLine } from '../../../telemetry/types.ts';
import { type LogPage, logPageSchema } from '../../../wire/log-lines.ts';
import { slowPoll } from '../../testing/rooms.ts';
import { restServer } from '../testing/rest.ts';

type Server = Awaited<ReturnType<typeof restServer>>;

const line = (message: string, change: Partial<LogLine> = {}): Omit<LogLine, 'seq'> => ({
  ...{ at: 1_000, level: 'INFO', source: 'USER', stream: 'stdout', message, alias: 'greet', revision: 'rev' },
  ...{ runnerId: 'r1', requestId: 'q1', endpoint: '/' },
  ...change,
});

async function follow({ url, authorization }: Server, query: string, headers: { [name: string]: string } = {}) {
  const leave = new AbortController();
  const response = await fetch(url(`/minifal/logs/follow?${query}`), {
    headers: { authorization, ...headers },
    signal: leave.signal,
  });
  if (!response.body) throw new Error('no body');
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  return {
    leave: () => leave.abort(),
    async next(): Promise<{ readonly id: string; readonly type: string; readonly data: unknown }> {
      for (;;) {
        const end = text.indexOf('\n\n');
        if (end >= 0) {
          const event = text.slice(0, end);
          text = text.slice(end + 2);
          const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(event)?.[1] ?? '';
          return { id: field('id'), type: field('event'), data: JSON.parse(field('data')) };
        }
        const { value, done } = await reader.read();
        if (done) throw new Error('the stream ended');
        text += value;
      }
    },
    async page(): Promise<LogPage & { readonly id: string }> {
      const { id, data } = await this.next();
      return { ...logPageSchema.parse(data), id };
    },
  };
}

describe('GET /minifal/logs', () => {
  it('needs the key', async () => {
    const { url } = await restServer();
    for (const path of ['/minifal/logs', '/minifal/logs/follow']) expect((await fetch(url(path))).status).toBe(401);
  });

  it('has the newest rows for which the filters hold, and leads to older and newer ones', async () => {
    const { get, logs } = await restServer();
    for (let n = 1; n <= 5; n++) logs.append(line(`line ${n}`));
    logs.append(line('of another', { alias: 'other', runnerId: 'r2', requestId: 'q2', level: 'ERROR' }));
    const page = async (query: string) => {
      const { lines, next } = logPageSchema.parse((await get(`/minifal/logs?${query}`)).json);
      return [lines.map(({ seq }) => seq), next];
    };
    expect(await page('alias=greet&limit=2')).toEqual([[4, 5], 4]);
    expect(await page('alias=greet&limit=2&before=4')).toEqual([[2, 3], 2]);
    expect(await page('after=4')).toEqual([[5, 6], 6]);
    expect(await page('regexp=LINE%20%5B2-3%5D')).toEqual([[2, 3], null]);
    expect(await page('runner=r2&request=q2&level=ERROR&text=another')).toEqual([[6], null]);
    logs.append(line('Runner SETUP -> IDLE: ready.', { source: 'BRIDGE', stream: null, level: 'DEBUG' }));
    expect(await page('level=ERROR')).toEqual([[6], null]);
    expect(await page('level=ERROR&platform=true')).toEqual([[6, 7], null]);
  });

  it('refuses what is no query, and a regular expression without end with a code', async () => {
    const { get, logs } = await restServer();
    for (const query of ['regexp=(', 'limit=0', 'limit=5000', 'before=x', 'level=LOUD', 'text='])
      expect((await get(`/minifal/logs?${query}`)).status).toBe(422);
    expect((await get('/minifal/logs?before=1&after=1')).status).toBe(400);
    logs.append(line(`${'a'.repeat(60)}!`));
    expect(await get('/minifal/logs?regexp=%5E(a%2B)%2B%24')).toMatchObject({
      status: 400,
      json: { code: 'LOG_PATTERN_TOO_SLOW', detail: expect.any(String) },
    });
  });
});

describe('GET /minifal/logs/follow', () => {
  it('streams new rows that match, from now on or from a cursor, each once', async () => {
    const server = await restServer();
    const { logs } = server;
    logs.append(line('before'));
    const stream = await follow(server, 'text=match');
    expect(await stream.page()).toMatchObject({ id: '1', lines: [] });
    logs.append(line('no'));
    logs.append(line('match 1'));
    logs.append(line('match 2'));
    expect((await stream.page()).lines.map(({ message }) => message)).toEqual(['match 1', 'match 2']);
    logs.append(line('match 3'));
    const { lines, id } = await stream.page();
    expect(lines.map(({ message }) => message)).toEqual(['match 3']);
    stream.leave();
    logs.append(line('match while away'));
    const resumed = await follow(server, 'text=match&after=0', { 'last-event-id': id });
    expect((await resumed.page()).lines.map(({ message }) => message)).toEqual(['match while away']);
    resumed.leave();
    const again = await follow(server, `text=match&after=${id}`);
    expect((await again.page()).lines.map(({ message }) => message)).toEqual(['match while away']);
    again.leave();
  });

  it('sends many rows in pages, without a gap while rows are added', async () => {
    const server = await restServer();
    const { logs } = server;
    for (let n = 1; n <= 3_000; n++) logs.append(line(`line ${n}`));
    const stream = await follow(server, 'after=0&limit=1000');
    const seen: number[] = [];
    for (let n = 3_001; seen.length < 5_000; ) {
      const { lines } = await stream.page();
      seen.push(...lines.map(({ seq }) => seq));
      for (let more = 0; more < 500 && n <= 5_000; more++, n++) logs.append(line(`line ${n}`));
    }
    expect(seen).toEqual(Array.from({ length: 5_000 }, (_, n) => n + 1));
    stream.leave();
  });

  it('sends only the newest rows to a reader who wants no more, and then each one again', async () => {
    const server = await restServer();
    const { logs } = server;
    const stream = await follow(server, 'newest=true&limit=10&server=false');
    expect(await stream.page()).toMatchObject({ id: '0', lines: [] });
    for (let n = 1; n <= 3_000; n++) logs.append(line(`line ${n}`));
    const { type, id, data } = await stream.next();
    const { lines } = logPageSchema.parse(data);
    expect([type, id, lines.map(({ seq }) => seq)]).toEqual([
      'newest',
      '3000',
      Array.from({ length: 10 }, (_, n) => 2_991 + n),
    ]);
    logs.append(line('later'));
    expect(await stream.next()).toMatchObject({ type: '', id: '3001', data: { lines: [{ seq: 3_001 }] } });
    stream.leave();
  });

  it('ends with the code of a search that is refused', async () => {
    const server = await restServer();
    const stream = await follow(server, 'regexp=%5E(a%2B)%2B%24');
    await stream.page();
    server.logs.append(line(`${'a'.repeat(60)}!`));
    expect(await stream.next()).toMatchObject({ type: 'error', data: { code: 'LOG_PATTERN_TOO_SLOW' } });
    await expect(stream.next()).rejects.toThrow('the stream ended');
  });

  it('asks runners for places while a stream wants them', async () => {
    const server = await restServer();
    const streams = [await follow(server, 'places=1'), await follow(server, ''), await follow(server, 'places=true')];
    for (const stream of streams) await stream.page();
    expect(server.wanted).toEqual([true]);
    streams[0]?.leave();
    streams[1]?.leave();
    streams[2]?.leave();
    await expect.poll(() => server.wanted, slowPoll).toEqual([true, false]);
  });

  it('stops listening when its reader has left', async () => {
    const server = await restServer();
    let followers = 0;
    const { followRows } = server.logs;
    server.logs.followRows = (listener) => {
      followers++;
      const stop = followRows(listener);
      return () => {
        followers--;
        stop();
      };
    };
    const stream = await follow(server, '');
    await stream.page();
    expect(followers).toBe(1);
    stream.leave();
    await expect.poll(() => followers, slowPoll).toBe(0);
  });
});

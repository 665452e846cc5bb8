import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { restServer } from '../../emulator/edge/rest/testing/rest.ts';
import { slowPoll } from '../../emulator/edge/testing/rooms.ts';
import { noFilter } from '../../webview/host.ts';
import { createLogClient, type LogClient } from '../target/log-client.ts';
import { createFeed, type FeedMessage, queryOf } from './feed.ts';

const line = (message: string, level: 'STDOUT' | 'ERROR' = 'STDOUT') => {
  const source = { source: 'USER', stream: 'stdout', alias: 'painter', revision: 'rev' } as const;
  return { ...source, at: 1_000, level, message, runnerId: 'r1', requestId: 'q1', endpoint: '/' };
};

async function logOf(lines: number, at = 1_000) {
  const { logs, url, authorization } = await restServer();
  for (let n = 1; n <= lines; n++) logs.append({ ...line(`line ${n}`), at });
  const address = url('').replace(/\/$/, '');
  return { logs, real: createLogClient({ address, key: authorization.replace(/^Key /, '') }) };
}

async function feedOf(lines: number) {
  const { logs, ...opened } = await logOf(lines);
  let { real } = opened;
  const sent: FeedMessage[] = [];
  const sentences: (string | null)[] = [];
  let isRunning = true;
  let connection = new AbortController();
  const client: LogClient = {
    page: (query, signal) => real.page(query, signal),
    follow: (query, onPage, signal) => real.follow(query, onPage, AbortSignal.any([signal, connection.signal])),
  };
  const feed = createFeed({
    connect: () => (isRunning ? client : undefined),
    send: (message) => void sent.push(message),
    refused: (why) => void sentences.push(why),
    failed: (error) => {
      throw error;
    },
  });
  const rows = () =>
    sent.flatMap((one) => (one.type === 'rows' ? [[one.where, ...one.rows.map(({ seq }) => seq)]] : []));
  return {
    ...{ logs, feed, sent, sentences, rows },
    drop() {
      connection.abort();
      connection = new AbortController();
    },
    setRunning(value: boolean) {
      isRunning = value;
    },
    /** The emulator is started again with another log. */
    async replace(lines: number) {
      const other = await logOf(lines, 2_000);
      real = other.real;
      return other.logs;
    },
  };
}

it('opens no stream of new rows for a page that was hidden meanwhile', async () => {
  const { real } = await logOf(1);
  const streams: PromiseWithResolvers<void>[] = [];
  const answers: unknown[] = [];
  let asked = Promise.withResolvers<void>();
  asked.resolve();
  const client: LogClient = {
    async page(query, signal) {
      await asked.promise;
      const page = await real.page(query, signal);
      answers.push(page);
      return page;
    },
    follow(_query, onPage) {
      onPage({ lines: [], next: null, missed: false }, 1);
      const stream = Promise.withResolvers<void>();
      streams.push(stream);
      return stream.promise;
    },
  };
  const nothing = () => undefined;
  const feed = createFeed({ connect: () => client, send: nothing, refused: nothing, failed: nothing });
  onTestFinished(feed.stop);
  await feed.query(1, noFilter, null);
  streams[0]?.resolve();
  await streams[0]?.promise;
  asked = Promise.withResolvers<void>();
  feed.resume();
  feed.pause();
  asked.resolve();
  await vi.waitFor(() => expect(answers).toHaveLength(2));
  await new Promise(setImmediate);
  expect(streams).toHaveLength(1);
  feed.unpause();
  await vi.waitFor(() => expect(streams).toHaveLength(2));
});

describe('the feed', () => {
  it('has the newest rows, each new one, and older ones on request', async () => {
    const { feed, logs, sent, rows } = await feedOf(450);
    await feed.query(1, noFilter, null);
    expect(sent[0]).toMatchObject({ where: 'reset', before: 251, isEnd: true, isPart: false });
    expect(rows()[0]?.slice(1, 3)).toEqual([251, 252]);
    logs.append(line('new'));
    await expect.poll(() => rows().at(-1), slowPoll).toEqual(['live', 451]);
    // Nobody looks at the page for a while.
    feed.pause();
    logs.append(line('meanwhile'));
    feed.unpause();
    await expect.poll(() => rows().at(-1), slowPoll).toEqual(['live', 452]);
    await feed.more(1, 'older', 251);
    expect(rows().at(-1)?.slice(0, 2)).toEqual(['older', 51]);
    await feed.more(1, 'older', 51);
    expect(sent.at(-1)).toMatchObject({ where: 'older', before: null });
    feed.stop();
  });

  it.each([
    ['are shown after them', false],
    ['are shown alone if those can not be read', true],
  ])('new rows that come before the newest ones are read %s, and further ones follow', async (_what, isBroken) => {
    const { real, logs } = await logOf(2);
    const sent: FeedMessage[] = [];
    const came = Promise.withResolvers<void>();
    const client: LogClient = {
      async page(query, signal) {
        logs.append(line('early'));
        await came.promise;
        if (isBroken) throw new Error('a broken connection');
        return real.page(query, signal);
      },
      follow: (query, onPage, signal) =>
        real.follow(
          query,
          (page, cursor) => {
            onPage(page, cursor);
            if (page.lines.length > 0) came.resolve();
          },
          signal,
        ),
    };
    const nothing = () => undefined;
    const feed = createFeed({
      connect: () => client,
      send: (one) => sent.push(one),
      refused: nothing,
      failed: nothing,
    });
    onTestFinished(feed.stop);
    await feed.query(1, noFilter, null);
    const known = isBroken ? [3] : [1, 2, 3];
    const seqs = (one: FeedMessage) =>
      one.type === 'rows' ? [one.where, one.isEnd, one.rows.map(({ seq }) => seq)] : [];
    expect(sent.map(seqs)).toEqual([['reset', true, known]]);
    expect(sent[0]).toMatchObject({ before: isBroken ? 3 : null });
    logs.append(line('late'));
    await expect.poll(() => sent.slice(1).map(seqs), slowPoll).toEqual([['live', true, [4]]]);
  });

  it('returns to where a page was, with the rows around it', async () => {
    const { feed, rows, sent } = await feedOf(1_000);
    await feed.query(1, noFilter, 300);
    expect(rows().map(([where, first, ...others]) => [where, first, others.at(-1)])).toEqual([
      ['reset', 100, 299],
      ['newer', 300, 499],
    ]);
    expect(sent.at(-1)).toMatchObject({ isEnd: false });
    feed.stop();
  });

  it('drops an answer to an earlier query', async () => {
    const { feed, sent } = await feedOf(50);
    const first = feed.query(1, noFilter, null);
    await feed.query(2, { ...noFilter, text: 'line 7' }, null);
    await first;
    expect(sent.every(({ query }) => query === 2)).toBe(true);
    await feed.more(1, 'older', 10);
    expect(sent.every(({ query }) => query === 2)).toBe(true);
    feed.stop();
  });

  it('finds the next error among rows that the page does not have', async () => {
    const { feed, logs, sent } = await feedOf(300);
    logs.append(line('broken', 'ERROR'));
    for (let n = 0; n < 300; n++) logs.append(line('later'));
    await feed.query(1, noFilter, null);
    await feed.findError(1, 'older', 402);
    expect(sent.at(-1)).toEqual({ type: 'found', query: 1, seq: 301 });
    await feed.findError(1, 'older', 301);
    expect(sent.at(-1)).toEqual({ type: 'found', query: 1, seq: null });
    feed.stop();
  });

  it('ends the search for an error when the next one begins', async () => {
    const { feed, logs, sent } = await feedOf(3);
    logs.append(line('broken', 'ERROR'));
    await feed.query(1, noFilter, null);
    const before = sent.length;
    await Promise.all(['older', 'older', 'newer'].map((where) => feed.findError(1, where as 'older', 5)));
    expect(sent.slice(before)).toEqual([{ type: 'found', query: 1, seq: null }]);
    feed.stop();
  });

  it('says why a regular expression is refused', async () => {
    const { feed, sentences } = await feedOf(1);
    await feed.query(1, { ...noFilter, text: '/(/' }, null);
    expect(sentences.at(-1)).toBe('The text between the slashes is not a regular expression.');
    feed.stop();
  });

  it('follows again when the connection was dropped, without a gap', async () => {
    const { feed, logs, rows, drop } = await feedOf(3);
    await feed.query(1, noFilter, null);
    drop();
    logs.append(line('meanwhile'));
    await expect.poll(() => rows().at(-1), slowPoll).toEqual(['live', 4]);
    feed.stop();
  });

  it.each([2, 9])('begins again when the data folder was deleted and the new log has %i rows', async (rowsNow) => {
    const { feed, rows, drop, replace, setRunning } = await feedOf(5);
    await feed.query(1, noFilter, null);
    setRunning(false);
    const logs = await replace(rowsNow);
    drop();
    setRunning(true);
    feed.resume();
    const all = Array.from({ length: rowsNow }, (_, index) => index + 1);
    await expect.poll(() => rows().at(-1), slowPoll).toEqual(['reset', ...all]);
    logs.append(line('new'));
    await expect.poll(() => rows().at(-1), slowPoll).toEqual(['live', rowsNow + 1]);
    feed.stop();
  });

  it('ends the wait of the page also if there is no answer', async () => {
    const { feed, sent, setRunning } = await feedOf(450);
    await feed.query(1, { ...noFilter, text: '/(/' }, null);
    expect(sent.at(-1)).toMatchObject({ query: 1, where: 'reset', rows: [], isPart: false });
    await feed.query(2, noFilter, null);
    setRunning(false);
    await feed.more(2, 'older', 251);
    expect(sent.at(-1)).toMatchObject({ query: 2, where: 'older', rows: [], before: 251, isPart: false });
    feed.stop();
  });

  it('shows what it had while no emulator runs, and continues without a gap', async () => {
    const { feed, logs, rows, setRunning } = await feedOf(3);
    await feed.query(1, noFilter, null);
    setRunning(false);
    await feed.query(2, noFilter, null);
    expect(rows().at(-1)).toEqual(['reset', 1, 2, 3]);
    logs.append(line('meanwhile'));
    setRunning(true);
    feed.resume();
    await expect.poll(() => rows().at(-1), slowPoll).toEqual(['reset', 1, 2, 3, 4]);
    feed.stop();
  });
});

it('reports an emulator that cannot answer once, and asks it less and less often', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  let asked = 0;
  const refuse = async (): Promise<never> => {
    asked++;
    throw new Error('status 404');
  };
  const reported: unknown[] = [];
  const feed = createFeed({
    connect: () => ({ page: refuse, follow: refuse }),
    send: () => undefined,
    refused: () => undefined,
    failed: (error) => void reported.push(error),
  });
  await feed.query(1, noFilter, null);
  await vi.advanceTimersByTimeAsync(10 * 60_000);
  expect(reported).toHaveLength(1);
  expect(asked).toBeLessThan(30);
  feed.stop();
});

it.each([
  ['cat', { text: 'cat' }],
  ['/a.*b/', { regexp: 'a.*b' }],
  ['/a.*', { regexp: 'a.*' }],
  ['/', {}],
  ['  ', {}],
])('takes %j as a filter', (text, expected) => {
  expect(queryOf({ ...noFilter, level: 'all', text, server: true })).toEqual(expected);
});

it('hides lines of the web server, and shows starts and ends of runners', () => {
  expect(queryOf(noFilter)).toEqual({ level: 'INFO', platform: 'true', server: 'false' });
});

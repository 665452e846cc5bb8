import { statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, vi } from 'vitest';
import { testFolder } from '../store/testing/folder.ts';
import { lockElsewhere } from '../store/testing/lock.ts';
import { createLogs, type LogsDeps } from './logs.ts';
import type { LoggedException, LogLine, LogQuery } from './types.ts';

function setUp(options: Partial<LogsDeps> = {}) {
  const file = join(testFolder(), 'logs.db');
  const open = () => createLogs({ file, maxBytes: 2 ** 30, ...options });
  return { file, open, logs: open() };
}

function testLine(message: string, change: Partial<LogLine> = {}): Omit<LogLine, 'seq'> {
  return {
    at: 1_000,
    level: 'STDOUT',
    source: 'USER',
    stream: 'stdout',
    message,
    alias: 'app',
    revision: 'r1',
    runnerId: 'runner-1',
    requestId: null,
    endpoint: null,
    ...change,
  };
}

const all = { limit: 100, order: 'oldest' } as const;

describe('createLogs', () => {
  it('shows every line that was appended before, complete, and again after a restart', () => {
    const { logs, open } = setUp();
    const line = testLine('hello\n\u0000 ü <b>', { requestId: 'q', endpoint: '/x', level: 'ERROR', stream: 'stderr' });
    const platform = testLine('started', {
      source: 'BRIDGE',
      stream: null,
      revision: null,
      runnerId: null,
      level: 'INFO',
    });
    logs.append(line);
    logs.append(platform);
    const expected = [
      { ...line, seq: 1 },
      { ...platform, seq: 2 },
    ];
    expect(logs.query(all)).toEqual(expected);
    logs.close();
    const again = open();
    again.append(testLine('third'));
    expect(again.query(all)).toEqual([...expected, { ...testLine('third'), seq: 3 }]);
  });

  it('keeps exceptions with their owners, masked, and shows them as no line', async () => {
    const { logs, open } = setUp({ mask: (text) => text.replaceAll('swordfish', '***') });
    const raised = (at: number, message: string, owner: Partial<LoggedException>): Omit<LoggedException, 'seq'> => ({
      at,
      alias: 'app',
      revision: 'r1',
      runnerId: 'runner-1',
      requestId: null,
      endpoint: null,
      exception: {
        type: 'app.swordfish',
        message,
        phase: 'request',
        frames: [{ file: '/swordfish/app.py', line: 1, function: 'swordfish', isApp: true }],
      },
      ...owner,
    });
    const reports: string[] = [];
    const stop = logs.followExceptions(({ seq, exception }) => reports.push(`${seq} ${exception.message}`));
    const lines: string[] = [];
    logs.follow({}, ({ message }) => lines.push(message));
    logs.append(testLine('before'));
    logs.appendException(raised(1_000, 'first swordfish', { requestId: 'q' }));
    logs.appendException(raised(1_000, 'second swordfish', { requestId: 'q' }));
    logs.appendException(raised(1_000, 'of another', { requestId: 'p' }));
    logs.appendException(raised(1_000, 'of the start', {}));
    stop();
    logs.appendException(raised(1_000, 'unheard', { runnerId: 'runner-2' }));
    expect(reports).toEqual(['2 first ***', '3 second ***', '4 of another', '5 of the start']);
    logs.close();
    const again = open();
    expect(again.exceptionOf({ requestId: 'q' })).toEqual({
      type: 'app.***',
      message: 'second ***',
      phase: 'request',
      frames: [{ file: '/***/app.py', line: 1, function: '***', isApp: true }],
    });
    expect(again.exceptionOf({ runnerId: 'runner-1' })?.message).toBe('of the start');
    expect(again.exceptionOf({ runnerId: 'runner-3' })).toBeUndefined();
    again.append(testLine('after'));
    expect(lines).toEqual(['before']);
    expect(again.query(all).map(({ seq, message }) => [seq, message])).toEqual([
      [1, 'before'],
      [7, 'after'],
    ]);
    for (const limit of [1, 2, 3]) {
      const found = await again.search({ limit, order: 'newest' });
      expect(found.map(({ seq }) => seq)).toEqual([7, 1].slice(0, limit));
    }
    expect(again.query({ ...all, minLevel: 'ERROR' })).toEqual([]);
  });

  it('shows the state of an unfinished line to followers, and keeps only complete lines', () => {
    const { logs } = setUp();
    const seen: string[] = [];
    logs.follow({ alias: 'app' }, ({ message, unfinished }) => void seen.push(`${message} ${unfinished ?? 'whole'}`));
    for (const message of ['10%', '20%']) logs.append(testLine(message, { unfinished: true }));
    logs.append(testLine('100%'));
    expect(seen).toEqual(['10% true', '20% true', '100% whole']);
    expect(logs.query(all).map(({ message }) => message)).toEqual(['100%']);
    logs.close();
  });

  it('keeps lines of a process that ends without closing', async () => {
    const { file, logs } = setUp();
    logs.append(testLine('written soon'));
    const reader = new DatabaseSync(file);
    const written = reader.prepare('SELECT message FROM lines');
    await vi.waitFor(() => expect(written.all()).toEqual([{ message: 'written soon' }]));
    reader.close();
  });

  it.each<[string, Partial<LogQuery>, string]>([
    ['an alias', { alias: 'other' }, 'b'],
    ['a revision', { revision: 'r2' }, 'c'],
    ['a runner', { runnerId: 'runner-2' }, 'd'],
    ['a request', { requestId: 'q1' }, 'e'],
    ['a text in either case', { search: 'NEEDLE' }, 'f'],
    ['a text with signs that SQL knows', { search: '5%_\\' }, 'g'],
    ['a minimum level', { minLevel: 'WARNING' }, 'hi'],
    ['tracebacks', { traceback: true }, 'j'],
    ['a time from, inclusive', { since: 2_000 }, 'kl'],
    ['a time until, exclusive', { since: 1_001, until: 2_001 }, 'k'],
    ['several at once', { alias: 'app', since: 1_001, search: 'L' }, 'l'],
    ['nothing', {}, 'abcdefghijkl'],
    ['no traceback filter', { traceback: false, alias: 'other' }, 'b'],
  ])('finds by %s, stored and live alike', async (_, query, expected) => {
    const { logs } = setUp();
    const live: string[] = [];
    logs.follow(query, (line) => live.push(line.endpoint ?? ''));
    const add = (name: string, message: string, change: Partial<LogLine> = {}) =>
      logs.append(testLine(message, { endpoint: name, ...change }));
    add('a', '55_x');
    add('b', '', { alias: 'other' });
    add('c', '', { revision: 'r2' });
    add('d', '', { runnerId: 'runner-2' });
    add('e', '', { requestId: 'q1' });
    add('f', 'hay\0 needLe hay');
    add('g', 'x 5%_\\ y');
    add('h', '', { level: 'WARNING' });
    add('i', '', { level: 'ERROR' });
    add('j', '{"traceback": "x"}');
    add('k', '', { at: 2_000 });
    add('l', 'l', { at: 2_001 });
    expect(
      logs
        .query({ ...all, ...query })
        .map((line) => line.endpoint)
        .join(''),
    ).toBe(expected);
    expect(await logs.search({ ...all, ...query })).toEqual(logs.query({ ...all, ...query }));
    if (query.since === undefined) expect(live.join('')).toBe(expected);
  });

  it('orders by time, then by arrival, and limits from that end', () => {
    const { logs } = setUp();
    for (const [message, at] of [
      ['b', 2],
      ['c', 2],
      ['a', 1],
      ['d', 3],
    ] as const)
      logs.append(testLine(message, { at }));
    const messages = (query: LogQuery) =>
      logs
        .query(query)
        .map((line) => line.message)
        .join('');
    expect(messages({ limit: 3, order: 'oldest' })).toBe('abc');
    expect(messages({ limit: 3, order: 'newest' })).toBe('dcb');
    expect(messages({ limit: 0, order: 'newest' })).toBe('');
  });

  it.each<[string, Partial<LogQuery>]>([
    ['everything', { limit: 20_000 }],
    ['the newest lines', { order: 'newest', limit: 3_000 }],
    ['a text that few lines have', { search: 'seldom' }],
    ['a text that few of an alias have', { alias: 'app', search: 'seldom', order: 'newest' }],
    ['a revision', { revision: 'r2', limit: 2_000 }],
    ['a runner of another alias', { runnerId: 'runner-1', alias: 'other' }],
    ['a text that no line has, some lines at a time', { search: 'nothing has it' }],
  ])('searches many lines for %s, and finds what a query finds', async (_, query) => {
    const { logs } = setUp();
    for (let i = 0; i < 10_000; i++) {
      const revision = i % 3 === 0 ? 'r2' : 'r1';
      logs.append(testLine(i % 999 === 0 ? 'seldom' : 'often', { at: 1_000 + (i >> 6), revision }));
    }
    let turns = 0;
    const count = (): void => {
      turns += 1;
      counting = setImmediate(count);
    };
    let counting = setImmediate(count);
    const found = await logs.search({ ...all, ...query });
    clearImmediate(counting);
    expect(found).toEqual(logs.query({ ...all, ...query }));
    if (found.length < (query.limit ?? 0) || query.search) expect(turns, 'others had their turn').toBeGreaterThan(2);
    logs.close();
  });

  it('ends a search when it is closed', async () => {
    const { logs } = setUp();
    for (let n = 0; n < 2_000; n++) logs.append(testLine(`line ${n}`));
    const searching = logs.search({ ...all, search: 'nothing has it' });
    logs.close();
    expect(await searching).toEqual([]);
  });

  it('passes live lines to followers with their number, until they unsubscribe', () => {
    const { logs } = setUp();
    const seen: LogLine[] = [];
    const leave = logs.follow({ requestId: 'q' }, (line) => seen.push(line));
    logs.append(testLine('no'));
    logs.append(testLine('yes', { requestId: 'q' }));
    leave();
    logs.append(testLine('late', { requestId: 'q' }));
    expect(seen).toEqual([{ ...testLine('yes', { requestId: 'q' }), seq: 2 }]);
  });

  it('masks before it stores or shows', () => {
    const { logs } = setUp({ mask: (message) => message.replaceAll('planted', '********') });
    const live: string[] = [];
    logs.follow({}, (line) => live.push(line.message));
    logs.append(testLine('a planted b'));
    expect([...live, ...logs.query(all).map((line) => line.message)]).toEqual(['a ******** b', 'a ******** b']);
    expect(logs.query({ ...all, search: 'planted' })).toEqual([]);
  });

  it('drops the oldest lines above its size, never the newest, and does not grow', () => {
    const maxBytes = 256 * 1024;
    const { logs, file } = setUp({ maxBytes });
    for (let n = 0; n < 5_000; n++) logs.append(testLine(`${n} ${'x'.repeat(400)}`));
    const lines = logs.query({ limit: 10_000, order: 'oldest' });
    expect(lines.length).toBeGreaterThan(100);
    expect(lines.at(-1)?.seq).toBe(5_000);
    expect(lines.map((line) => line.seq)).toEqual(Array.from(lines, (_, index) => 5_001 - lines.length + index));
    logs.close();
    // One batch may arrive before the next cut.
    expect(statSync(file).size).toBeLessThan(maxBytes + 1_000 * 1_000);
  });

  it('drops a large excess of lines in small batches', async () => {
    const { logs, file, open } = setUp();
    for (let n = 0; n < 5_000; n++) logs.append(testLine(`${n} ${'x'.repeat(400)}`));
    logs.close();
    const smaller = createLogs({ file, maxBytes: 256 * 1024 });
    const counts: number[] = [];
    const count = () => smaller.query({ limit: 10_000, order: 'oldest' }).length;
    smaller.append(testLine('one more'));
    for (let left = count(); left !== counts.at(-1); left = count()) {
      counts.push(left);
      await new Promise((turn) => setImmediate(turn));
    }
    smaller.close();
    const steps = counts.slice(1).map((left, n) => (counts[n] ?? 0) - left);
    expect(Math.max(...steps)).toBe(500);
    expect(steps.length).toBeGreaterThan(5);
    expect(counts.at(-1)).toBeGreaterThan(100);
    open().close();
  });

  it('truncates a line that is far too long, with a remark', () => {
    const { logs } = setUp();
    logs.append(testLine('x'.repeat(10_000_000)));
    const [line] = logs.query(all);
    expect(line?.message.length).toBeLessThan(300_000);
    expect(line?.message).toMatch(/x … \[9737856 more characters were cut\]$/);
  });

  it('keeps lines while another program has locked the file', async () => {
    const { file, logs } = setUp();
    const release = await lockElsewhere(file, 'IMMEDIATE');
    logs.append(testLine('while locked'));
    expect(logs.query(all)).toEqual([]);
    logs.append(testLine('later'));
    await release();
    expect(logs.query(all).map(({ message }) => message)).toEqual(['while locked', 'later']);
  });

  it('continues when lines cannot be stored, and reports how many were lost', () => {
    const { logs, file } = setUp();
    logs.append(testLine('before'));
    logs.query(all);
    const other = new DatabaseSync(file);
    other.exec("CREATE TRIGGER refuse BEFORE INSERT ON lines BEGIN SELECT RAISE(ABORT, 'disk full'); END");
    logs.append(testLine('lost 1'));
    logs.append(testLine('lost 2'));
    expect(logs.query(all).map((line) => line.message)).toEqual(['before']);
    other.exec('DROP TRIGGER refuse');
    other.close();
    logs.append(testLine('after'));
    expect(
      logs
        .query(all)
        .map((line) => line.message)
        .sort(),
    ).toEqual(['after', 'before', 'minifal: 2 log lines before this one could not be stored: disk full.']);
  });

  it('starts over from a damaged file and reports that', () => {
    const { logs, file, open } = setUp();
    logs.append(testLine('gone'));
    logs.close();
    truncateSync(file, 5_000);
    const again = open();
    expect(again.notices()).toEqual([expect.stringContaining('was damaged')]);
    again.append(testLine('new'));
    expect(again.query(all).map((line) => line.message)).toContain('new');
  });
});

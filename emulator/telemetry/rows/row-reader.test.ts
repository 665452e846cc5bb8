import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { testFolder } from '../../store/testing/folder.ts';
import { logPageSchema } from '../../wire/log-lines.ts';
import { createLogs, type StoredLogs } from '../logs.ts';
import type { LogLine } from '../types.ts';
import type { RowQuery } from './types.ts';

const closing: StoredLogs[] = [];
afterEach(() => {
  for (const logs of closing.splice(0)) logs.close();
});

function setUp(options: { readonly maxBytes?: number } = {}) {
  const logs = createLogs({ file: join(testFolder(), 'logs.db'), maxBytes: 2 ** 30, ...options });
  closing.push(logs);
  const write = (message: string, change: Partial<LogLine> = {}): void =>
    logs.append({
      ...{ at: 1_000, level: 'STDOUT', source: 'USER', stream: 'stdout', message, alias: 'app', revision: 'rev' },
      ...{ runnerId: 'r1', requestId: null, endpoint: null },
      ...change,
    });
  const page = async (query: Partial<RowQuery>, signal = new AbortController().signal) => {
    const all = { matchCase: false, server: true, from: { before: 1e15 }, limit: 100, ...query };
    const found = await logs.page(all, signal);
    return { ...found, ...logPageSchema.parse(JSON.parse(found.json)) };
  };
  const messages = async (query: Partial<RowQuery>) => (await page(query)).lines.map(({ message }) => message);
  return { logs, write, page, messages };
}

describe('a page of the log', () => {
  it('has all that is known of a row', async () => {
    const { logs, write, page } = setUp();
    write('printed', { requestId: 'q', endpoint: '/', place: { file: '/a.py', line: 7 } });
    write('INFO: started', { isServer: true, level: 'INFO' });
    const exception = { type: 'KeyError', message: 'x', phase: 'request' as const, frames: [] };
    const owner = { alias: 'app', revision: 'rev', runnerId: 'r1', requestId: 'q', endpoint: '/' };
    logs.appendException({ at: 2_000, ...owner, exception });
    write('more', { place: { file: '/a.py', line: 7, continues: true } });
    const line = { at: 1_000, source: 'USER', stream: 'stdout', alias: 'app', revision: 'rev', runnerId: 'r1' };
    expect((await page({})).lines).toEqual([
      {
        ...{ ...line, seq: 1, level: 'STDOUT', message: 'printed', requestId: 'q', endpoint: '/' },
        ...{ isServer: false, place: { file: '/a.py', line: 7 }, exception: null },
      },
      {
        ...{ ...line, seq: 2, level: 'INFO', message: 'INFO: started', requestId: null, endpoint: null },
        ...{ isServer: true, place: null, exception: null },
      },
      {
        ...{ ...line, ...owner, seq: 3, at: 2_000, level: 'ERROR', stream: null, message: 'KeyError: x' },
        ...{ isServer: false, place: null, exception },
      },
      {
        ...{ ...line, seq: 4, level: 'STDOUT', message: 'more', requestId: null, endpoint: null },
        ...{ isServer: false, place: { file: '/a.py', line: 7, continues: true }, exception: null },
      },
    ]);
  });

  it('has the rows for which all filters hold', async () => {
    const { write, messages } = setUp();
    write('one fish', { requestId: 'q1' });
    write('two Fish', { requestId: 'q2', runnerId: 'r2', level: 'ERROR' });
    write('a 100% \\ bird', { alias: 'other' });
    write('GET / 200', { isServer: true });
    expect(await messages({ text: 'FISH' })).toEqual(['one fish', 'two Fish']);
    expect(await messages({ text: 'Fish', matchCase: true })).toEqual(['two Fish']);
    expect(await messages({ regexp: '^t\\w+ f' })).toEqual(['two Fish']);
    expect(await messages({ regexp: 'f.s', matchCase: true, text: 'ne' })).toEqual(['one fish']);
    expect(await messages({ text: '100% \\' })).toEqual(['a 100% \\ bird']);
    expect(await messages({ alias: 'other' })).toEqual(['a 100% \\ bird']);
    expect(await messages({ runnerId: 'r2' })).toEqual(['two Fish']);
    expect(await messages({ requestId: 'q1', text: 'fish' })).toEqual(['one fish']);
    expect(await messages({ requestId: 'q1', runnerId: 'r2' })).toEqual([]);
    expect(await messages({ minLevel: 'WARNING' })).toEqual(['two Fish']);
    expect(await messages({ server: false })).toEqual(['one fish', 'two Fish', 'a 100% \\ bird']);
  });

  it('finds a text after a NUL, in any row and by any filter', async () => {
    const { write, messages } = setUp();
    write('a\0Needle % after');
    write('needle');
    for (const query of [{ text: 'needle' }, { regexp: 'ne+dle' }, { text: 'a\0NEEDLE' }, { text: 'needle %' }])
      expect((await messages(query))[0]).toBe('a\0Needle % after');
    expect(await messages({ text: 'Needle', matchCase: true })).toEqual(['a\0Needle % after']);
    expect(await messages({ text: 'b\0' })).toEqual([]);
  });

  it('leads to every row once, in both directions, whatever its size', async () => {
    const { write, page } = setUp();
    for (let n = 1; n <= 10; n++) write(`line ${n}`, n % 3 === 0 ? { requestId: 'q' } : {});
    for (const limit of [1, 3, 10, 100]) {
      for (const filter of [{}, { regexp: '[1-9]$' }, { requestId: 'q' }]) {
        const whole = (await page(filter)).lines.map(({ seq }) => seq);
        const back: number[] = [];
        for (let before: number | null = 1e15; before !== null; ) {
          const { lines, next } = await page({ ...filter, limit, from: { before } });
          back.unshift(...lines.map(({ seq }) => seq));
          before = next;
        }
        expect(back).toEqual(whole);
        const forth: number[] = [];
        for (let after = 0, isEnd = false; !isEnd; ) {
          const found = await page({ ...filter, limit, from: { after } });
          forth.push(...found.lines.map(({ seq }) => seq));
          ({ isEnd } = found);
          after = found.next ?? expect.fail();
        }
        expect(forth).toEqual(whole);
      }
    }
  });

  it('finds the rows of a pattern without a certain letter among many, in both directions', async () => {
    const { write, messages } = setUp();
    const found = new Map([
      [3, 'a\0b 7x'],
      [1_200, 'first line\n8Y'],
      [1_201, '9z'],
      [4_999, '0x'],
    ]);
    for (let n = 0; n < 5_000; n++) write(found.get(n) ?? `line ${n}`, n === 1_201 ? { isServer: true } : {});
    for (const from of [{ before: 1e15 }, { after: 0 }]) {
      expect(await messages({ regexp: '\\d[xyz]', from })).toEqual([...found.values()]);
      expect(await messages({ regexp: '\\d[xyz]', matchCase: true, server: false, from })).toEqual(['a\0b 7x', '0x']);
      expect(await messages({ regexp: '^(\\d[xyz])$', from })).toEqual(['9z', '0x']);
    }
  });

  it('says when rows after the cursor are gone, or were never there', async () => {
    const { logs, write, page } = setUp({ maxBytes: 64 * 1024 });
    for (let n = 0; n < 200; n++) write('x'.repeat(1_000));
    logs.query({ limit: 1, order: 'oldest' });
    await expect.poll(async () => (await page({ from: { after: 3 } })).missed).toBe(true);
    expect(await page({ from: { after: 1_000 } })).toMatchObject({ missed: true, next: 200, lines: [] });
    expect(await page({ from: { after: 200 } })).toMatchObject({ missed: false, next: 200, lines: [] });
  });

  it('sees rows at once that are not written yet', async () => {
    const { write, messages } = setUp();
    expect(await messages({})).toEqual([]);
    for (const message of ['a', 'b']) {
      write(message);
      expect((await messages({})).at(-1)).toBe(message);
    }
  });
});

describe('a search', () => {
  it('with a regular expression without end is refused with a code, and the next one works', async () => {
    const { write, messages } = setUp();
    write(`${'a'.repeat(60)}!`);
    const endless = messages({ regexp: '^(a+)+$' });
    const waiting = messages({ text: '!' });
    await expect(endless).rejects.toMatchObject({ code: 'LOG_PATTERN_TOO_SLOW' });
    expect(await waiting).toHaveLength(1);
  });

  it('whose reader leaves ends, whether it waits or runs', async () => {
    const { write, page, messages } = setUp();
    write(`${'a'.repeat(60)}!`);
    const leave = new AbortController();
    const searches = [page({ regexp: '^(a+)+$' }, leave.signal), page({}, leave.signal)];
    leave.abort(new Error('left'));
    for (const search of searches) await expect(search).rejects.toThrow('left');
    await expect(page({}, leave.signal)).rejects.toThrow('left');
    expect(await messages({ text: '!' })).toHaveLength(1);
  });

  it('is refused when the log is closed', async () => {
    const { logs, write, page } = setUp();
    write('a');
    const search = page({});
    closing.splice(closing.indexOf(logs), 1);
    logs.close();
    await expect(search).rejects.toThrow('closed');
    await expect(page({})).rejects.toThrow('closed');
  });
});

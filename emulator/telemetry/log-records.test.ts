import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { testFolder } from '../store/testing/folder.ts';
import { lockElsewhere } from '../store/testing/lock.ts';
import { openLogRecords, type Place } from './log-records.ts';
import type { LogLine, LogQuery } from './types.ts';

const line = (seq: number, change: Partial<LogLine> = {}): LogLine => ({
  seq,
  at: 1_000 + seq,
  level: 'STDOUT',
  source: 'USER',
  stream: 'stdout',
  message: `line ${seq}`,
  alias: 'app',
  revision: null,
  runnerId: null,
  requestId: null,
  endpoint: null,
  ...change,
});
const all: LogQuery = { limit: 100, order: 'oldest' };

function setUp() {
  const file = join(testFolder(), 'logs.db');
  return {
    file,
    records: openLogRecords(file),
    /** What another reader of the file sees now. */
    onDisk(): readonly unknown[] {
      const other = new DatabaseSync(file);
      const rows = other.prepare('SELECT seq FROM lines ORDER BY seq').all();
      other.close();
      return rows.map(({ seq }) => seq);
    },
    /** Makes the database fail internally from now on. */
    sabotage(trigger: string): void {
      const other = new DatabaseSync(file);
      other.exec(trigger);
      other.close();
    },
  };
}

describe('the records of log lines', () => {
  it('are in the file when a call returns, and are found unchanged', () => {
    const { records, onDisk } = setUp();
    expect([records.lastSeq(), records.find(all)]).toEqual([0, []]);
    const lines = [line(1), line(2, { level: 'ERROR', source: 'BRIDGE', stream: null, requestId: 'q', endpoint: '/' })];
    records.add(lines);
    expect(onDisk()).toEqual([1, 2]);
    expect([records.lastSeq(), records.find(all)]).toEqual([2, lines]);
  });

  it('that are added together are all stored, or none is', () => {
    const { records, onDisk, sabotage } = setUp();
    records.add([line(1)]);
    sabotage("CREATE TRIGGER one BEFORE INSERT ON lines WHEN NEW.seq = 3 BEGIN SELECT RAISE(ABORT, 'not 3'); END");
    expect(() => records.add([line(2), line(3), line(4)])).toThrow('not 3');
    expect(onDisk()).toEqual([1]);
    records.add([line(2), line(4)]);
    expect(onDisk()).toEqual([1, 2, 4]);
  });

  it('are unchanged when another program has locked the file', async () => {
    const { file, records, onDisk } = setUp();
    const release = await lockElsewhere(file, 'IMMEDIATE');
    expect(() => records.add([line(1)])).toThrow(expect.objectContaining({ trouble: 'locked' }));
    await release();
    expect(onDisk()).toEqual([]);
  });

  it.each<[string, Partial<LogQuery>]>([
    ['all of them', {}],
    ['the newest first', { order: 'newest' }],
    ['those of an index', { alias: 'other' }],
    ['those with a text', { search: '7' }],
    ['both, the newest first', { alias: 'other', search: '7', order: 'newest' }],
    ['a few', { limit: 4, search: '7' }],
  ])('are the same whether found in steps or all at once: %s', (_, change) => {
    const { records } = setUp();
    records.add(Array.from({ length: 100 }, (_, n) => line(n + 1, { at: n >> 2, alias: n % 3 ? 'app' : 'other' })));
    const query = { ...all, ...change };
    const found: LogLine[] = [];
    let from: Place | undefined;
    do {
      const look = records.look(query, from, { max: 7, wanted: query.limit - found.length });
      expect(look.lines.length).toBeLessThanOrEqual(7);
      found.push(...look.lines);
      from = look.next;
    } while (from);
    expect(found).toEqual(records.find(query));
    expect(found.length).toBeGreaterThan(0);
  });

  it('that can’t be read are skipped, and the others are found', () => {
    const { records, sabotage } = setUp();
    records.add([line(1), line(2), line(3)]);
    // A STRICT table would refuse such a value; a flipped bit in the file is not checked.
    sabotage(
      `ALTER TABLE lines RENAME TO strict_lines; CREATE TABLE lines AS SELECT * FROM strict_lines;
       UPDATE lines SET message = x'ff' WHERE seq = 2`,
    );
    expect(records.find(all).map(({ seq }) => seq)).toEqual([1, 3]);
    expect(records.look(all, undefined, { max: 10, wanted: 10 }).lines.map(({ seq }) => seq)).toEqual([1, 3]);
  });

  it('are removed in batches, oldest first, while they take up too much space', () => {
    const { records, onDisk } = setUp();
    records.add(Array.from({ length: 1_000 }, (_, n) => line(n + 1, { message: 'x'.repeat(1_000) })));
    expect(records.dropOldest(2 ** 30, 10)).toBe(false);
    expect(onDisk()).toHaveLength(1_000);
    expect(records.dropOldest(100_000, 10)).toBe(true);
    expect(onDisk()).toEqual(Array.from({ length: 990 }, (_, n) => n + 11));
    expect(records.dropOldest(100_000, 10_000)).toBe(false);
    expect(onDisk().at(-1)).toBe(1_000);
    expect(onDisk().length).toBeLessThan(100);
  });
});

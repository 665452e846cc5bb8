import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DiskTrouble } from '../local/disk-trouble.ts';
import { afterCrash } from '../store/testing/after-crash.ts';
import { testFolder } from '../store/testing/folder.ts';
import { platformError } from '../wire/errors.ts';
import { DuplicateId, dropFinished, queueRecords } from './records.ts';
import type { RecordRow } from './request-records.ts';
import { completedRecord, newRecord, requestOptionsOf } from './states.ts';
import { openTestStore, testRequest, testResponse } from './testing/requests.ts';
import type { RequestOutcome, SubmittedRequest } from './types.ts';

function setUp() {
  const folder = testFolder();
  const store = openTestStore(join(folder, 'minifal.db'));
  onTestFinished(() => store.close());
  return {
    store,
    records: queueRecords(store),
    /** What the next emulator would find if this one were killed now. */
    afterCrash() {
      const other = openTestStore(afterCrash(store.file));
      onTestFinished(() => other.close());
      return queueRecords(other);
    },
  };
}

const rowOf = (seq: number, request: SubmittedRequest): RecordRow => ({
  seq,
  storeIo: request.storeIo,
  record: newRecord(request),
  wishes: requestOptionsOf(request),
});
const running = (row: RecordRow, attempts: number): RecordRow => ({
  ...row,
  record: { ...row.record, phase: 'IN_PROGRESS', attempts },
});
const completed = (row: RecordRow, outcome: RequestOutcome, at = 5): RecordRow => ({
  ...row,
  record: completedRecord(row.record, outcome, at),
});
const [first, second] = [testRequest('a'), testRequest('b')];
const [rowA, rowB] = [rowOf(1, first), rowOf(2, second)];
const full = 'PRAGMA max_page_count = 1';
const roomAgain = 'PRAGMA max_page_count = 1000000';

describe('the records of a queue: atomic', () => {
  it('a request that was not accepted leaves nothing, including what its caller writes with it', async () => {
    const { records, store, afterCrash } = setUp();
    const note = () => void store.sql("INSERT INTO webhooks (id, document, check_sum) VALUES ('a', '', 0)").run();
    const broken = records.accept(rowA, { ...first, path: 1n as unknown as string }, 'refuse', note);
    await expect(broken).rejects.toThrow(TypeError);
    const unwanted = records.accept(rowA, first, 'refuse', () => {
      note();
      throw new Error('a bug of the caller');
    });
    await expect(unwanted).rejects.toThrow('a bug of the caller');
    const after = afterCrash();
    expect([after.find('a'), after.input(1), after.lastSeq()]).toEqual([undefined, undefined, 0]);
    expect(store.sql('SELECT count(*) AS n FROM webhooks').get()).toEqual({ n: 0 });

    await records.accept(rowA, first, 'refuse', note);
    expect(store.sql('SELECT count(*) AS n FROM webhooks').get()).toEqual({ n: 1 });
  });

  it('each write of a group succeeds or fails on its own', async () => {
    const { records, afterCrash } = setUp();
    const ends = await Promise.allSettled([
      records.accept(rowA, first),
      records.accept(rowOf(3, first), first),
      records.update(() => {
        throw new Error('a bug');
      }),
      records.accept(rowB, second),
    ]);
    expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
    expect(afterCrash().unfinished()).toEqual([rowA, rowB]);
  });

  it.each(['complete', 'end'] as const)('%s stores the last record with its result, or neither', async (way) => {
    const { records, store, afterCrash } = setUp();
    await records.accept(rowA, first);
    store.sql("CREATE TRIGGER no BEFORE INSERT ON results BEGIN SELECT RAISE(ABORT, 'no'); END").run();
    const outcome = testResponse();
    const done = completed(rowA, outcome);
    await expect((async () => records[way](done, outcome))()).rejects.toThrow('no');
    expect(afterCrash().unfinished()).toEqual([rowA]);
    store.sql('DROP TRIGGER no').run();
    await records[way](done, outcome);
    const after = afterCrash();
    expect(after.find('a')).toEqual({ seq: 1, storeIo: true, record: done.record });
    expect(after.outcome(1)).toMatchObject({ kind: 'response', response: { status: 200 } });
    expect(after.unfinished()).toEqual([]);
  });

  it('deletes an input that the caller did not want stored at the end, and no longer counts it', async () => {
    const { records, afterCrash } = setUp();
    for (const [seq, storeIo] of [[1, true] as const, [2, false] as const]) {
      const request = testRequest(`r${seq}`, { storeIo, body: Buffer.alloc(1_000) });
      const row = rowOf(seq, request);
      await records.accept(row, request);
      await records.complete(completed(row, testResponse('123'), seq), testResponse('123'));
    }
    const after = afterCrash();
    expect(after.input(1)).toMatchObject({ query: 'a=1', body: new Uint8Array(1_000) });
    expect(after.input(2)).toMatchObject({ id: 'r2', query: '', body: new Uint8Array() });
    expect(after.finished.oldest(5, 9).map(({ size }) => size)).toEqual([1_003, 3]);
    expect(after.finished.bytesAfter(0, 9)).toEqual({ bytes: 1_006, last: 2 });
  });

  it('drops requests with their inputs and results, all or nothing', async () => {
    const { records, store, afterCrash } = setUp();
    for (const [row, request] of [
      [rowA, first],
      [rowB, second],
    ] as const) {
      await records.accept(row, request);
      await records.complete(completed(row, testResponse(), row.seq), testResponse());
    }
    store
      .sql("CREATE TRIGGER no BEFORE DELETE ON requests WHEN OLD.seq = 2 BEGIN SELECT RAISE(ABORT, 'no'); END")
      .run();
    const both = records.finished.oldest(9, 9);
    expect(() => records.finished.drop(both)).toThrow('no');
    expect(afterCrash().finished.oldest(9, 9)).toEqual(both);
    store.sql('DROP TRIGGER no').run();
    records.finished.drop(both.slice(0, 1));
    const after = afterCrash();
    expect([after.find('a'), after.input(1), after.outcome(1)]).toEqual([undefined, undefined, undefined]);
    expect(after.finished.oldest(9, 9).map(({ id }) => id)).toEqual(['b']);
  });
});

describe('the records of a queue: durable', () => {
  it('asynchronous writes are on disk when they resolve, synchronous ones when they return', async () => {
    const { records, afterCrash } = setUp();
    await records.accept(rowA, first);
    expect(afterCrash().input(1)).toEqual({ ...first, body: new Uint8Array(first.body) });
    await records.update(() => running(rowA, 1));
    expect(afterCrash().find('a')).toEqual(running(rowA, 1));
    const error: RequestOutcome = { kind: 'error', error: platformError('client_cancelled', 'The end.') };
    records.end(completed(rowA, error), error);
    expect(afterCrash().outcome(1)).toEqual(error);
    records.finished.drop([{ seq: 1 }]);
    expect(afterCrash().lastSeq()).toBe(0);
  });

  it('all earlier writes are on disk when the queue is settled, and when it is closed', async () => {
    const { records, afterCrash } = setUp();
    void records.accept(rowA, first);
    await records.settled();
    expect(afterCrash().find('a')).toEqual(rowA);
    void records.update(() => running(rowA, 1));
    await records.close(0);
    expect(afterCrash().find('a')).toEqual(running(rowA, 1));
  });

  it('on a full disk accepts nothing new, and waiting writes store the current state when there is space', async () => {
    const { records, store, afterCrash } = setUp();
    await records.accept(rowA, first);
    await records.accept(rowB, second);
    store.sql(full).all();
    const body = Buffer.alloc(50_000);
    await expect(records.accept(rowOf(3, testRequest('c')), testRequest('c', { body }))).rejects.toThrow(DiskTrouble);
    let present: RecordRow | undefined = running(
      { ...rowA, record: { ...rowA.record, runnerId: 'x'.repeat(50_000) } },
      1,
    );
    let gone: RecordRow | undefined = { ...rowB, record: { ...rowB.record, runnerId: 'x'.repeat(50_000) } };
    const waiting = [records.update(() => present, 'keep'), records.update(() => gone, 'keep')];
    await expect(records.settled()).rejects.toThrow(DiskTrouble);
    expect(() => records.end(completed(rowB, testResponse()), testResponse('x'.repeat(50_000)))).toThrow(DiskTrouble);
    present = running(rowA, 2);
    gone = undefined;
    store.sql(roomAgain).all();
    await Promise.all(waiting);
    await expect.poll(() => store.trouble()).toBeNull();
    await records.settled();
    expect(afterCrash().unfinished()).toEqual([running(rowA, 2), rowB]);
  });
});

describe('the records of a queue: excluded', () => {
  it('two requests with one ID: waiting, finished, and only on disk', async () => {
    const { records, afterCrash } = setUp();
    await records.accept(rowA, first);
    await expect(records.accept(rowOf(2, first), first)).rejects.toThrow(DuplicateId);
    await records.complete(completed(rowA, testResponse()), testResponse());
    await expect(afterCrash().accept(rowOf(2, first), first)).rejects.toThrow(new DuplicateId('a'));
  });

  it.each([
    ["UPDATE requests SET record = replace(record, 'predict', 'predicT')"],
    ["UPDATE requests SET alias = 'other'"],
    ['UPDATE requests SET phase = 1'],
    ["UPDATE requests SET id = 'other'"],
  ])('a damaged record: %s', async (damage) => {
    const { records, store } = setUp();
    await records.accept(rowA, first);
    store.sql(damage).run();
    expect([records.find('a'), records.newest('app', 9)]).toEqual([undefined, []]);
    expect(records.unfinished()).toEqual([]);
    expect(records.lastSeq()).toBe(0);
    expect(store.notices().join()).toContain('was dropped');
  });

  it.each([
    ['spec', `replace(spec, 'a', 'b')`],
    ['body', 'zeroblob(3)'],
  ])('an input whose %s is damaged', async (column, damage) => {
    const { records, store } = setUp();
    await records.accept(rowA, first);
    store.sql(`UPDATE inputs SET ${column} = ${damage}`).run();
    expect([records.input(1), records.unfinished()]).toEqual([undefined, [rowA]]);
  });

  it.each([
    ['outcome', `replace(outcome, 'a', 'b')`],
    ['body', 'zeroblob(3)'],
  ])('a result whose %s is damaged', async (column, damage) => {
    const { records, store } = setUp();
    await records.accept(rowA, first);
    await records.complete(completed(rowA, testResponse('aaa')), testResponse('aaa'));
    store.sql(`UPDATE results SET ${column} = ${damage}`).run();
    expect([records.outcome(1), records.find('a')?.record.phase]).toEqual([undefined, 'COMPLETED']);
  });
});

describe('the records of a queue: in order', () => {
  it('lists unfinished requests oldest first, those of an alias newest first, finished ones by end time', async () => {
    const { records } = setUp();
    const requests = ['a', 'b', 'c', 'd'].map((id) => testRequest(id, id === 'd' ? { alias: 'other' } : {}));
    await Promise.all(requests.map((request, n) => records.accept(rowOf(n + 1, request), request)));
    const ids = (rows: readonly RecordRow[]) => rows.map(({ record }) => record.id).join('');
    expect([ids(records.unfinished()), ids(records.newest('app', 2)), records.lastSeq()]).toEqual(['abcd', 'cb', 4]);
    for (const [n, request] of requests.slice(0, 3).entries()) {
      await records.complete(completed(rowOf(n + 1, request), testResponse(''), 30 - n), testResponse(''));
    }
    const oldest = (until: number, most: number) => records.finished.oldest(until, most).map(({ id }) => id);
    expect([oldest(30, 9), oldest(30, 1), oldest(29, 9)]).toEqual([['c', 'b', 'a'], ['c'], ['c', 'b']]);
    expect(records.finished.bytesAfter(28, 1)?.last).toBe(29);
    expect(records.finished.bytesAfter(30, 1)).toBeUndefined();
  });

  it('drops all finished requests except the named ones', async () => {
    const { records, store, afterCrash } = setUp();
    for (const [seq, id] of ['a', 'b', 'c'].entries())
      await records.accept(rowOf(seq + 1, testRequest(id)), testRequest(id));
    for (const row of records.unfinished().slice(0, 2))
      await records.complete(completed(row, testResponse()), testResponse());
    expect(dropFinished(store, new Set(['b']))).toBe(1);
    const after = afterCrash();
    expect(['a', 'b', 'c'].map((id) => after.find(id)?.record.phase)).toEqual([undefined, 'COMPLETED', 'IN_QUEUE']);
  });
});

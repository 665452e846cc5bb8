import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checksum } from '../store/rows.ts';
import { testFolder } from '../store/test-folder.ts';
import { countingPieces } from '../store/test-store.ts';
import { DiskTrouble } from '../wire/disk-trouble.ts';
import { platformError } from '../wire/errors.ts';
import { createQueue, type QueueOptions } from './queue.ts';
import { openTestStore, testRequest, testResponse } from './test-requests.ts';
import type { RequestRecord } from './types.ts';

const hour = 3_600_000;

function setUp(options: Partial<QueueOptions> = {}) {
  const file = join(testFolder(), 'minifal.db');
  const open = () => {
    const store = openTestStore(file);
    return { store, queue: createQueue({ store, clock: () => 5_000, ...options }) };
  };
  let current = open();
  return {
    get queue() {
      return current.queue;
    },
    get store() {
      return current.store;
    },
    async restart() {
      await current.queue.close();
      current.store.close();
      current = open();
    },
  };
}

describe('createQueue', () => {
  it('never puts the begin of an attempt, which waited for a full disk, over the end of its request', async () => {
    const room = setUp();
    await room.queue.submit(testRequest('a'));
    room.store.sql('PRAGMA max_page_count = 1').all();
    const begun = room.queue.begin('a', { attemptId: 'a', runnerId: 'r'.repeat(200_000), at: 1 }, 'keep');
    await expect.poll(() => room.store.trouble()?.trouble).toBe('full');
    room.store.sql('PRAGMA max_page_count = 1000000').all();
    // Its runner has died meanwhile. The end finds room at once, before anything that is kept is tried again.
    expect(await room.queue.complete('a', testResponse(), 2)).toBe(true);
    await begun;
    await room.restart();
    expect(room.queue.record('a')).toMatchObject({ phase: 'COMPLETED', status: 200 });
    expect([...room.queue.unfinished()]).toEqual([]);
  });

  it('takes a request through its life and remembers each step over a restart', async () => {
    const room = setUp();
    const request = testRequest('a');
    await room.queue.submit(request);
    expect(room.queue.record('a')).toMatchObject({ phase: 'IN_QUEUE', attempts: 0, attemptId: 'a', startedAt: null });

    room.queue.begin('a', { attemptId: 'a', runnerId: 'r1', at: 2_000 });
    room.queue.requeue('a');
    room.queue.begin('a', { attemptId: 'a2', runnerId: 'r2', at: 3_000 });
    const running = { phase: 'IN_PROGRESS', attempts: 2, attemptId: 'a2', runnerId: 'r2', startedAt: 3_000 };
    expect(room.queue.record('a')).toMatchObject(running);

    await room.restart();
    expect(room.queue.record('a')).toMatchObject({ ...running, phase: 'IN_QUEUE' });
    expect([...room.queue.unfinished()]).toMatchObject([
      { attempts: 2, request: { id: 'a', retries: { server_error: 2 } } },
    ]);
    expect(room.queue.submitted('a')?.body).toEqual(new Uint8Array(request.body));

    expect(await room.queue.complete('a', testResponse('hello', 201), 4_000)).toBe(true);
    for (let look = 0; look < 2; look++) {
      expect(room.queue.record('a')).toMatchObject({
        phase: 'COMPLETED',
        status: 201,
        completedAt: 4_000,
        error: null,
      });
      const result = room.queue.result('a');
      expect(result).toMatchObject({ kind: 'response', response: { status: 201, headers: [['x-app', 'yes']] } });
      expect(result?.kind === 'response' && Buffer.from(result.response.body).toString()).toBe('hello');
      expect([...room.queue.unfinished()]).toEqual([]);
      await room.restart();
    }
  });

  it('hides a request until it is on disk', async () => {
    const { queue } = setUp();
    const submitted = queue.submit(testRequest('a'));
    expect(queue.record('a')).toBeUndefined();
    await submitted;
    expect(queue.record('a')).toBeDefined();
  });

  it('completes exactly once, and shows it only when it is on disk', async () => {
    const { queue } = setUp();
    await queue.submit(testRequest('a'));
    const first = queue.complete('a', testResponse('first'), 1);
    const second = queue.complete('a', testResponse('second'), 2);
    expect(queue.record('a')?.phase).toBe('IN_QUEUE');
    queue.begin('a', { attemptId: 'late', runnerId: 'r', at: 3 });
    expect(await Promise.all([first, second])).toEqual([true, false]);
    expect(await queue.complete('a', testResponse('third'), 3)).toBe(false);
    expect(await queue.complete('nobody', testResponse(), 3)).toBe(false);
    expect(queue.record('a')).toMatchObject({ phase: 'COMPLETED', completedAt: 1, attempts: 0 });
    const result = queue.result('a');
    expect(result?.kind === 'response' && Buffer.from(result.response.body).toString()).toBe('first');
  });

  it('reports when everything handed in before is on disk', async () => {
    const { queue } = setUp();
    await queue.submit(testRequest('a'));
    void queue.complete('a', testResponse(), 1);
    expect(queue.record('a')?.phase).toBe('IN_QUEUE');
    await queue.settled();
    expect(queue.record('a')?.phase).toBe('COMPLETED');
  });

  it('stores a failure by the platform as its result', async () => {
    const room = setUp();
    await room.queue.submit(testRequest('a'));
    const error = platformError('request_timeout', 'too late', true);
    await room.queue.complete('a', { kind: 'error', error }, 9);
    await room.restart();
    expect(room.queue.record('a')).toMatchObject({
      status: 504,
      error: { type: 'request_timeout', detail: 'too late' },
    });
    expect(room.queue.result('a')).toEqual({ kind: 'error', error });
  });

  it('knows nothing of unknown ids and no result of unfinished ones', async () => {
    const { queue } = setUp();
    await queue.submit(testRequest('a'));
    expect(queue.result('a')).toBeUndefined();
    expect([queue.record('b'), queue.result('b'), queue.submitted('b')]).toEqual([undefined, undefined, undefined]);
  });

  it('refuses an id that it has, whether waiting, being written or completed', async () => {
    const { queue } = setUp();
    const first = queue.submit(testRequest('a'));
    await expect(queue.submit(testRequest('a'))).rejects.toThrow('exists already');
    await first;
    await expect(queue.submit(testRequest('a'))).rejects.toThrow('exists already');
    await queue.complete('a', testResponse(), 1);
    await expect(queue.submit(testRequest('a'))).rejects.toThrow('exists already');
  });

  it('commits everything of one turn of the event loop together, in order', async () => {
    const { queue, store } = setUp();
    let transactions = 0;
    const counting = createQueue({
      store: {
        ...store,
        transactEach: (pieces) => {
          transactions++;
          return store.transactEach(pieces);
        },
      },
      clock: () => 0,
    });
    await Promise.all(['a', 'b', 'c'].map((id) => counting.submit(testRequest(id))));
    expect(transactions).toBe(1);
    expect(queue.recent('app', 9).map((record) => record.id)).toEqual(['c', 'b', 'a']);
  });

  it('notifies everyone of a group that it could not be written, and keeps nothing of it', async () => {
    const room = setUp();
    const broken = createQueue({
      store: {
        ...room.store,
        transactEach() {
          throw new Error('disk full');
        },
      },
      clock: () => 0,
    });
    const both = await Promise.allSettled([broken.submit(testRequest('a')), broken.submit(testRequest('b'))]);
    expect(both.map((result) => result.status)).toEqual(['rejected', 'rejected']);
    expect(broken.record('a')).toBeUndefined();
    await room.queue.submit(testRequest('a'));
  });

  it('can complete again what could not be written the first time', async () => {
    const room = setUp();
    await room.queue.submit(testRequest('a'));
    let full = true;
    const store: typeof room.store = {
      ...room.store,
      transactEach(pieces) {
        if (full) throw new Error('disk full');
        return room.store.transactEach(pieces);
      },
    };
    const reported: unknown[] = [];
    const queue = createQueue({ store, clock: () => 0, report: (error) => reported.push(error) });
    await expect(queue.complete('a', testResponse(), 1)).rejects.toThrow('disk full');
    expect(queue.record('a')?.phase).toBe('IN_QUEUE');
    expect(reported).toEqual([new Error('disk full')]);
    full = false;
    expect(await queue.complete('a', testResponse(), 1)).toBe(true);
  });

  it('keeps no more memory than the bodies: not the blocks that they were read into', async () => {
    const { queue } = setUp();
    const body = Buffer.alloc(64 * 1024, 'x').subarray(10, 20);
    await queue.submit(testRequest('a', { body }));
    expect(queue.submitted('a')?.body.buffer.byteLength).toBe(10);
    await queue.complete('a', { kind: 'response', response: { status: 200, headers: [], body } }, 1);
    const outcome = queue.result('a');
    expect(outcome?.kind === 'response' && outcome.response.body.buffer.byteLength).toBe(10);
    expect(outcome?.kind === 'response' && Buffer.from(outcome.response.body).toString()).toBe('xxxxxxxxxx');
  });

  it('on a full disk refuses new requests, keeps what was accepted, and completes it when there is room', async () => {
    const { queue, store } = setUp();
    await queue.submit(testRequest('a'));
    queue.begin('a', { attemptId: 'a', runnerId: 'r', at: 1 });
    const phases: string[] = [];
    queue.onChange('a', ({ phase }) => phases.push(phase));
    store.sql('PRAGMA max_page_count = 1').all();
    const body = Buffer.alloc(50_000);
    await expect(queue.submit(testRequest('b', { body }))).rejects.toThrow(DiskTrouble);
    const node = queue.submit(testRequest('c', { body }), 'keep');
    const completed = queue.complete('a', { kind: 'response', response: { status: 200, headers: [], body } }, 2);
    await expect.poll(() => store.trouble()).not.toBeNull();
    // COMPLETED is a promise: not before it is on disk.
    expect([queue.record('a')?.phase, queue.record('b'), queue.record('c')]).toEqual([
      'IN_PROGRESS',
      undefined,
      undefined,
    ]);
    expect(await queue.complete('a', testResponse('second'), 3)).toBe(false);
    // However often it is asked: what is kept in memory isn't settled.
    for (const _ of [1, 2]) await expect(queue.settled()).rejects.toThrow(DiskTrouble);
    store.sql('PRAGMA max_page_count = 1000000').all();
    expect(await completed).toBe(true);
    await node;
    expect(phases).toEqual(['COMPLETED']);
    expect(queue.result('a')).toMatchObject({ kind: 'response', response: { body } });
    expect(queue.record('c')?.phase).toBe('IN_QUEUE');
    await queue.submit(testRequest('b', { body }));
  });

  it('calls listeners after each change of phase until they leave', async () => {
    const { queue } = setUp();
    await queue.submit(testRequest('a'));
    const seen: RequestRecord['phase'][] = [];
    const leave = queue.onChange('a', (record) => seen.push(record.phase));
    const other = queue.onChange('a', () => undefined);
    queue.begin('a', { attemptId: 'a', runnerId: 'r', at: 1 });
    queue.requeue('a');
    other();
    queue.begin('a', { attemptId: 'b', runnerId: 'r', at: 3 });
    await queue.complete('a', testResponse(), 4);
    leave();
    expect(seen).toEqual(['IN_PROGRESS', 'IN_QUEUE', 'IN_PROGRESS', 'COMPLETED']);
  });

  it('keeps the retries granted and knows after a restart what was running, once', async () => {
    const room = setUp();
    const retried = { server_error: 2, timeout: 0, connection_error: 1 };
    for (const id of ['waits', 'retried', 'running']) await room.queue.submit(testRequest(id));
    for (const id of ['retried', 'running']) {
      room.queue.begin(id, { attemptId: id, runnerId: 'r', at: 1 });
      room.queue.requeue(id, retried);
    }
    expect(await room.queue.begin('running', { attemptId: 'a', runnerId: 'r', at: 2 }, 'keep')).toBe(true);
    await room.restart();
    expect([...room.queue.unfinished()]).toMatchObject([
      { request: { id: 'waits' }, interrupted: false, retried: { server_error: 0, timeout: 0, connection_error: 0 } },
      { request: { id: 'retried' }, interrupted: false, attempts: 1, retried },
      { request: { id: 'running' }, interrupted: true, attempts: 2, retried },
    ]);
    room.queue.requeue('running', retried);
    await room.restart();
    expect([...room.queue.unfinished()].map(({ interrupted }) => interrupted)).toEqual([false, false, false]);
  });

  it('does not take up again what was cancelled while it ran', async () => {
    const room = setUp();
    const { queue } = room;
    for (const id of ['cancelled', 'running']) {
      await queue.submit(testRequest(id));
      queue.begin(id, { attemptId: id, runnerId: 'r', at: 1 });
    }
    const phases: string[] = [];
    queue.onChange('cancelled', ({ phase }) => phases.push(phase));
    queue.cancelRequested('cancelled');
    queue.cancelRequested('unknown');
    await queue.settled();
    expect([queue.record('cancelled')?.phase, phases]).toEqual(['IN_PROGRESS', []]);

    await room.restart();
    const after = room.queue;
    expect([...after.unfinished()].map(({ request }) => request.id)).toEqual(['running']);
    expect(after.record('cancelled')).toMatchObject({ phase: 'COMPLETED', status: 499 });
    expect(after.result('cancelled')).toMatchObject({ error: { type: 'client_cancelled' } });
  });

  it('lists the most recent requests of an alias with their present state', async () => {
    const { queue } = setUp();
    for (const id of ['a', 'b', 'c', 'd']) await queue.submit(testRequest(id));
    await queue.submit(testRequest('x', { alias: 'other' }));
    await queue.complete('b', testResponse(), 1);
    queue.begin('c', { attemptId: 'c', runnerId: 'r', at: 1 });
    const phases = queue.recent('app', 3).map(({ id, phase }) => [id, phase]);
    expect(phases).toEqual([
      ['d', 'IN_QUEUE'],
      ['c', 'IN_PROGRESS'],
      ['b', 'COMPLETED'],
    ]);
  });

  it('keeps inputs after completion unless the caller forbade it; the result stays', async () => {
    const room = setUp();
    await room.queue.submit(testRequest('kept'));
    await room.queue.submit(testRequest('secret', { storeIo: false }));
    for (const id of ['kept', 'secret']) await room.queue.complete(id, testResponse(id), 1);
    for (let look = 0; look < 2; look++) {
      expect(Buffer.from(room.queue.submitted('kept')?.body ?? []).toString()).toBe('{"id":"kept"}');
      expect(room.queue.submitted('secret')).toMatchObject({ query: '', body: new Uint8Array() });
      expect(room.queue.result('secret')?.kind).toBe('response');
      await room.restart();
    }
  });

  it('stores empty bodies', async () => {
    const room = setUp();
    await room.queue.submit(testRequest('a', { body: new Uint8Array() }));
    await room.restart();
    expect(room.queue.submitted('a')?.body).toEqual(new Uint8Array());
    await room.queue.complete('a', testResponse(''), 1);
    await room.restart();
    const result = room.queue.result('a');
    expect(result?.kind === 'response' && result.response.body.length).toBe(0);
  });

  it('prunes what is older than the retention, never what is unfinished', async () => {
    const { queue } = setUp({ retentionMs: 10 * hour });
    for (const id of ['old', 'new', 'open']) await queue.submit(testRequest(id, { submittedAt: 0 }));
    await queue.complete('old', testResponse(), 1);
    await queue.complete('new', testResponse(), 2);
    expect(await queue.prune(10 * hour + 2)).toBe(1);
    expect([queue.record('old'), queue.result('old'), queue.submitted('old')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(queue.result('new')?.kind).toBe('response');
    expect(queue.record('open')?.phase).toBe('IN_QUEUE');
  });

  it('prunes the oldest above the size cap, but no result younger than an hour', async () => {
    const { queue } = setUp({ maxBytes: 2_500 });
    for (const [n, id] of ['a', 'b', 'c', 'd'].entries()) {
      await queue.submit(testRequest(id, { body: Buffer.alloc(500) }));
      await queue.complete(id, testResponse('x'.repeat(500)), n);
    }
    expect(await queue.prune(hour - 1)).toBe(0);
    expect(await queue.prune(hour + 3)).toBe(2);
    expect(queue.recent('app', 9).map(({ id }) => id)).toEqual(['d', 'c']);
    expect(await queue.prune(hour + 3)).toBe(0);
  });

  it('prunes more than fits one step, and nothing once closed', async () => {
    const { queue } = setUp({ retentionMs: 1 });
    const ids = Array.from({ length: 1_200 }, (_, n) => `r${n}`);
    await Promise.all(ids.map((id) => queue.submit(testRequest(id))));
    await Promise.all(ids.map((id, n) => queue.complete(id, testResponse(), n)));
    expect(await queue.prune(601)).toBe(600);
    expect(queue.record('r599')).toBeUndefined();
    expect(queue.record('r600')?.phase).toBe('COMPLETED');
    await queue.close();
    expect(await queue.prune(5_000)).toBe(0);
  });

  it('refuses new requests once closed and has committed what came before', async () => {
    const room = setUp();
    const pending = room.queue.submit(testRequest('a'));
    await room.queue.close();
    await pending;
    await expect(room.queue.submit(testRequest('b'))).rejects.toThrow('closed');
    await room.restart();
    expect([...room.queue.unfinished()].length).toBe(1);
  });

  it('writes very much in several transactions, in order', async () => {
    const { store, sizes } = countingPieces(setUp().store);
    const queue = createQueue({ store, clock: () => 0 });
    const ids = Array.from({ length: 1_000 }, (_, n) => `many-${n}`);
    const accepted: string[] = [];
    await Promise.all(ids.map((id) => queue.submit(testRequest(id)).then(() => accepted.push(id))));
    expect(accepted).toEqual(ids);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(250);
    sizes.length = 0;
    const ended = ids.map((id) => queue.complete(id, testResponse(), 1));
    await queue.close();
    await Promise.all(ended);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(250);
    expect(queue.record('many-999')?.phase).toBe('COMPLETED');
  });

  it('prunes in steps, by age and by size, and ends early when it is closed', async () => {
    const { store } = setUp();
    const day = 24 * 60 * 60 * 1000;
    const queue = createQueue({ store, clock: () => 3 * day, retentionMs: day, maxBytes: 30 * 1024 });
    const ids = Array.from({ length: 250 }, (_, n) => `old-${n}`);
    const bodies = ['1', '2', '3', '4'].map((name) => testRequest(`big-${name}`, { body: Buffer.alloc(10 * 1024) }));
    await Promise.all([...ids.map((id) => testRequest(id)), ...bodies].map((request) => queue.submit(request)));
    await Promise.all(ids.map((id) => queue.complete(id, testResponse('x'), 0)));
    await Promise.all(
      bodies.map(({ id }, n) => queue.complete(id, testResponse(''), 3 * day - 2 * 60 * 60 * 1000 + n)),
    );
    const deletes: number[] = [];
    const transaction = store.transaction;
    const counted: typeof store = {
      ...store,
      transaction<T>(work: () => T): T {
        const count = () => Number(store.sql('SELECT count(*) AS n FROM requests').get()?.n);
        const before = count();
        const value = transaction(work);
        deletes.push(before - count());
        return value;
      },
    };
    const pruned = createQueue({ store: counted, clock: () => 3 * day, retentionMs: day, maxBytes: 30 * 1024 });
    expect(await pruned.prune()).toBe(251);
    expect(deletes).toEqual([100, 100, 51]);
    expect([1, 2].map((n) => pruned.record(`big-${n}`)?.phase)).toEqual([undefined, 'COMPLETED']);
    expect(await pruned.prune()).toBe(0);
  });

  it('knows after a restart what each request wants, oldest first, and reads its input when asked for it', async () => {
    const { queue, store } = setUp();
    const wishes = [
      { id: 'first', submittedAt: 9 },
      { id: 'low', priority: 'low', noRetry: true },
      { id: 'soon', startBy: 7_000, hint: 'warm', retries: { timeout: 1, connection_error: 0 } },
      { id: 'again', alias: 'other' },
      { id: 'done' },
    ] as const;
    for (const { id, ...change } of wishes) await queue.submit(testRequest(id, change));
    queue.begin('again', { attemptId: 'x', runnerId: 'r', at: 1 });
    queue.requeue('again');
    queue.begin('soon', { attemptId: 'y', runnerId: 'r', at: 1 });
    await queue.complete('done', testResponse(), 1);
    await queue.close();

    const read: unknown[] = [];
    const watched: typeof store = {
      ...store,
      sql(text) {
        const statement = store.sql(text);
        if (!text.includes('FROM inputs')) return statement;
        return Object.assign(Object.create(statement), {
          get(seq: number) {
            read.push(seq);
            return statement.get(seq);
          },
        });
      },
    };
    const after = createQueue({ store: watched, clock: () => 0 });
    const found = [...after.unfinished()];
    expect(read).toEqual([]);
    expect(found.map(({ attempts, interrupted }) => [attempts, interrupted])).toEqual([
      [0, false],
      [0, false],
      [1, true],
      [1, false],
    ]);
    for (const { request } of found) {
      const { body, ...whole } = after.submitted(request.id) ?? expect.fail(request.id);
      expect(whole).toMatchObject({ ...request });
      expect(Buffer.from(body).toString()).toBe(`{"id":"${request.id}"}`);
    }
    expect(found.map(({ request }) => request)).toMatchObject(wishes.slice(0, 4));
    expect(read).toEqual([1, 2, 3, 4]);
  });

  it('answers a request of an earlier minifal whose input is damaged with internal_error', async () => {
    const room = setUp();
    await room.queue.submit(testRequest('a'));
    const { record } = room.store.sql('SELECT record FROM requests').get() ?? {};
    const { wishes, ...earlier } = JSON.parse(String(record));
    expect(wishes).toBeDefined();
    const document = JSON.stringify(earlier);
    room.store.sql('UPDATE requests SET record = ?, check_sum = ?').run(document, checksum(document));
    room.store.sql("UPDATE inputs SET body = X'00'").run();
    await room.restart();
    expect([...room.queue.unfinished()]).toEqual([]);
    expect(room.queue.record('a')).toMatchObject({ phase: 'COMPLETED', error: { type: 'internal_error' } });
    expect(room.store.notices()).toEqual([expect.stringContaining('Request a was damaged')]);
  });

  it('gives out no input and no result that is damaged, and drops a damaged record', async () => {
    const reported: unknown[] = [];
    const room = setUp({ report: (error) => reported.push(error) });
    await room.queue.submit(testRequest('a'));
    await room.queue.submit(testRequest('b'));
    await room.queue.submit(testRequest('c'));
    await room.queue.complete('c', testResponse(), 1);
    room.store.sql("UPDATE inputs SET body = X'00' WHERE seq = 1").run();
    room.store.sql("UPDATE requests SET record = replace(record, 'predict', 'predicT') WHERE seq = 2").run();
    room.store.sql("UPDATE results SET body = X'00' WHERE seq = 3").run();
    await room.restart();
    // Its attempt will end it with internal_error (fleet/attempts.ts).
    expect([...room.queue.unfinished()].map(({ request }) => request.id)).toEqual(['a']);
    expect(room.queue.submitted('a')).toBeUndefined();
    expect(reported).toEqual([expect.objectContaining({ message: expect.stringContaining('request a is damaged') })]);
    expect(room.queue.record('b')).toBeUndefined();
    expect(room.queue.result('c')).toMatchObject({ kind: 'error', error: { type: 'internal_error' } });
    expect(room.store.notices()).toEqual([expect.stringContaining('request b was dropped')]);
  });
});

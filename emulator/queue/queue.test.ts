import { describe, expect, it } from 'vitest';
import { DiskTrouble } from '../local/disk-trouble.ts';
import { countingPieces } from '../store/testing/pieces.ts';
import { platformError } from '../wire/errors.ts';
import { createQueue } from './queue.ts';
import { testQueue, testRequest, testResponse } from './testing/requests.ts';
import type { RequestRecord } from './types.ts';

describe('createQueue', () => {
  it('never overwrites the end of a request with a begin that waited for a full disk', async () => {
    const room = testQueue();
    await room.queue.submit(testRequest('a'));
    room.store.sql('PRAGMA max_page_count = 1').all();
    const begun = room.queue.begin('a', { attemptId: 'a', runnerId: 'r'.repeat(200_000), at: 1 }, 'keep');
    await expect.poll(() => room.store.trouble()?.trouble).toBe('full');
    room.store.sql('PRAGMA max_page_count = 1000000').all();
    // The runner has died in the meantime. The end is written at once, before any kept write is retried.
    expect(await room.queue.complete('a', testResponse(), 2)).toBe(true);
    await begun;
    await room.restart();
    expect(room.queue.record('a')).toMatchObject({ phase: 'COMPLETED', status: 200 });
    expect([...room.queue.unfinished()]).toEqual([]);
  });

  it('moves a request through its states and keeps each one across a restart', async () => {
    const room = testQueue();
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
    const { queue } = testQueue();
    const submitted = queue.submit(testRequest('a'));
    expect(queue.record('a')).toBeUndefined();
    await submitted;
    expect(queue.record('a')).toBeDefined();
  });

  it('completes a request exactly once, and shows COMPLETED only when it is on disk', async () => {
    const { queue } = testQueue();
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

  it('reports when all earlier writes are on disk', async () => {
    const { queue } = testQueue();
    await queue.submit(testRequest('a'));
    void queue.complete('a', testResponse(), 1);
    expect(queue.record('a')?.phase).toBe('IN_QUEUE');
    await queue.settled();
    expect(queue.record('a')?.phase).toBe('COMPLETED');
  });

  it('stores a platform error as the result', async () => {
    const room = testQueue();
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

  it('returns nothing for unknown IDs and no result for unfinished requests', async () => {
    const { queue } = testQueue();
    await queue.submit(testRequest('a'));
    expect(queue.result('a')).toBeUndefined();
    expect([queue.record('b'), queue.result('b'), queue.submitted('b')]).toEqual([undefined, undefined, undefined]);
  });

  it('refuses an ID that is in use, whether waiting, being written or completed', async () => {
    const { queue } = testQueue();
    const first = queue.submit(testRequest('a'));
    await expect(queue.submit(testRequest('a'))).rejects.toThrow('already exists');
    await first;
    await expect(queue.submit(testRequest('a'))).rejects.toThrow('already exists');
    await queue.complete('a', testResponse(), 1);
    await expect(queue.submit(testRequest('a'))).rejects.toThrow('already exists');
  });

  it('refuses an ID that is only on disk, but nothing submitted together with it', async () => {
    const room = testQueue();
    await room.queue.submit(testRequest('a'));
    await room.queue.complete('a', testResponse(), 1);
    await room.restart();
    const { queue } = room;
    const other = queue.submit(testRequest('b'));
    await expect(queue.submit(testRequest('a', { path: '/other' }))).rejects.toThrow('request a already exists');
    await other;
    expect(queue.submitted('a')?.path).toBe('/predict');
    expect([queue.result('a')?.kind, queue.record('b')?.phase]).toEqual(['response', 'IN_QUEUE']);
  });

  it('commits everything of one turn of the event loop together, in order', async () => {
    const { queue, store } = testQueue();
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

  it('rejects every submit of a group that could not be written, and stores none of them', async () => {
    const room = testQueue();
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
    const room = testQueue();
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

  it('keeps only the bodies in memory, not the blocks that they were read into', async () => {
    const { queue } = testQueue();
    const body = Buffer.alloc(64 * 1024, 'x').subarray(10, 20);
    await queue.submit(testRequest('a', { body }));
    expect(queue.submitted('a')?.body.buffer.byteLength).toBe(10);
    await queue.complete('a', { kind: 'response', response: { status: 200, headers: [], body } }, 1);
    const outcome = queue.result('a');
    expect(outcome?.kind === 'response' && outcome.response.body.buffer.byteLength).toBe(10);
    expect(outcome?.kind === 'response' && Buffer.from(outcome.response.body).toString()).toBe('xxxxxxxxxx');
  });

  it('on a full disk refuses new requests, keeps accepted ones, and completes them when there is space', async () => {
    const { queue, store } = testQueue();
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
    // COMPLETED is a promise: it isn't visible before it is on disk.
    expect([queue.record('a')?.phase, queue.record('b'), queue.record('c')]).toEqual([
      'IN_PROGRESS',
      undefined,
      undefined,
    ]);
    expect(await queue.complete('a', testResponse('second'), 3)).toBe(false);
    // Writes kept in memory aren't settled, however often the queue is asked.
    for (const _ of [1, 2]) await expect(queue.settled()).rejects.toThrow(DiskTrouble);
    store.sql('PRAGMA max_page_count = 1000000').all();
    expect(await completed).toBe(true);
    await node;
    expect(phases).toEqual(['COMPLETED']);
    expect(queue.result('a')).toMatchObject({ kind: 'response', response: { body } });
    expect(queue.record('c')?.phase).toBe('IN_QUEUE');
    await queue.submit(testRequest('b', { body }));
  });

  it('calls listeners after each change of phase until they unsubscribe', async () => {
    const { queue } = testQueue();
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

  it('lists the most recent requests of an alias with their current state', async () => {
    const { queue } = testQueue();
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

  it('stores empty bodies', async () => {
    const room = testQueue();
    await room.queue.submit(testRequest('a', { body: new Uint8Array() }));
    await room.restart();
    expect(room.queue.submitted('a')?.body).toEqual(new Uint8Array());
    await room.queue.complete('a', testResponse(''), 1);
    await room.restart();
    const result = room.queue.result('a');
    expect(result?.kind === 'response' && result.response.body.length).toBe(0);
  });

  it('refuses new requests once closed and has committed earlier ones', async () => {
    const room = testQueue();
    const pending = room.queue.submit(testRequest('a'));
    await room.queue.close();
    await pending;
    await expect(room.queue.submit(testRequest('b'))).rejects.toThrow('closed');
    await room.restart();
    expect([...room.queue.unfinished()].length).toBe(1);
  });

  it('splits large groups into several transactions, in order', async () => {
    const { store, sizes } = countingPieces(testQueue().store);
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
});

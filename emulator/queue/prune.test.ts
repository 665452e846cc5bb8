import { describe, expect, it } from 'vitest';
import { createQueue } from './queue.ts';
import { testQueue, testRequest, testResponse } from './testing/requests.ts';

const hour = 3_600_000;

describe('pruning a queue', () => {
  it('keeps inputs after completion unless the caller forbade it; the result stays', async () => {
    const room = testQueue();
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

  it('prunes requests older than the retention period, never unfinished ones', async () => {
    const { queue } = testQueue({ retentionMs: 10 * hour });
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
    const { queue } = testQueue({ maxBytes: 2_500 });
    for (const [n, id] of ['a', 'b', 'c', 'd'].entries()) {
      await queue.submit(testRequest(id, { body: Buffer.alloc(500) }));
      await queue.complete(id, testResponse('x'.repeat(500)), n);
    }
    expect(await queue.prune(hour - 1)).toBe(0);
    expect(await queue.prune(hour + 3)).toBe(2);
    expect(queue.recent('app', 9).map(({ id }) => id)).toEqual(['d', 'c']);
    expect(await queue.prune(hour + 3)).toBe(0);
  });

  it('prunes more than one step holds, and nothing after the queue is closed', async () => {
    const { queue } = testQueue({ retentionMs: 1 });
    const ids = Array.from({ length: 1_200 }, (_, n) => `r${n}`);
    await Promise.all(ids.map((id) => queue.submit(testRequest(id))));
    await Promise.all(ids.map((id, n) => queue.complete(id, testResponse(), n)));
    expect(await queue.prune(601)).toBe(600);
    expect(queue.record('r599')).toBeUndefined();
    expect(queue.record('r600')?.phase).toBe('COMPLETED');
    await queue.close();
    expect(await queue.prune(5_000)).toBe(0);
  });

  it('stops when the queue and its store are closed before anything was pruned', async () => {
    const { queue, store } = testQueue({ retentionMs: 1 });
    await queue.submit(testRequest('old'));
    await queue.complete('old', testResponse(), 1);
    const pruning = queue.prune(hour);
    await queue.close();
    store.close();
    expect(await pruning).toBe(0);
  });

  it('prunes in steps, by age and by size, and stops early when the queue is closed', async () => {
    const { store } = testQueue();
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
});

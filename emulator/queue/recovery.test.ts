import { describe, expect, it } from 'vitest';
import { checksum } from '../store/rows.ts';
import { createQueue } from './queue.ts';
import { testQueue, testRequest, testResponse } from './testing/requests.ts';

describe('a queue that is opened again', () => {
  it('keeps the granted retries, and reports once after a restart which requests were running', async () => {
    const room = testQueue();
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

  it('does not resume a request that was cancelled while it ran', async () => {
    const room = testQueue();
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

  it('restores the options of each request after a restart, oldest first, and reads its input on demand', async () => {
    const { queue, store } = testQueue();
    const requests = [
      { id: 'first', submittedAt: 9 },
      { id: 'low', priority: 'low', noRetry: true },
      { id: 'soon', startBy: 7_000, hint: 'warm', retries: { timeout: 1, connection_error: 0 } },
      { id: 'again', alias: 'other' },
      { id: 'done' },
    ] as const;
    for (const { id, ...change } of requests) await queue.submit(testRequest(id, change));
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
    expect(found.map(({ request }) => request)).toMatchObject(requests.slice(0, 4));
    expect(read).toEqual([1, 2, 3, 4]);
  });

  it('answers a request of an earlier version of minifal with internal_error when its input is damaged', async () => {
    const room = testQueue();
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
    expect(room.store.notices()).toEqual([expect.stringContaining('Request a is damaged')]);
  });

  it('returns no damaged input or result, and drops a damaged record', async () => {
    const reported: unknown[] = [];
    const room = testQueue({ report: (error) => reported.push(error) });
    await room.queue.submit(testRequest('a'));
    await room.queue.submit(testRequest('b'));
    await room.queue.submit(testRequest('c'));
    await room.queue.complete('c', testResponse(), 1);
    room.store.sql("UPDATE inputs SET body = X'00' WHERE seq = 1").run();
    room.store.sql("UPDATE requests SET record = replace(record, 'predict', 'predicT') WHERE seq = 2").run();
    room.store.sql("UPDATE results SET body = X'00' WHERE seq = 3").run();
    await room.restart();
    // Its attempt ends the request with internal_error (fleet/requests/attempts.ts).
    expect([...room.queue.unfinished()].map(({ request }) => request.id)).toEqual(['a']);
    expect(room.queue.submitted('a')).toBeUndefined();
    expect(reported).toEqual([expect.objectContaining({ message: expect.stringContaining('request a is damaged') })]);
    expect(room.queue.record('b')).toBeUndefined();
    expect(room.queue.result('c')).toMatchObject({ kind: 'error', error: { type: 'internal_error' } });
    expect(room.store.notices()).toEqual([expect.stringContaining('request b was dropped')]);
  });
});

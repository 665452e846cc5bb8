import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DiskTrouble } from '../local/disk-trouble.ts';
import { createGroupCommit } from '../store/group-commit.ts';
import { openPatiently } from '../store/patience.ts';
import { testFolder } from '../store/testing/folder.ts';
import { lockElsewhere } from '../store/testing/lock.ts';
import { createQueue } from './queue.ts';
import { openTestStore, testRequest, testResponse } from './testing/requests.ts';

/** As long as SQLite's own busy timeout, after which statements used to fail. */
const longLockMs = 5_500;

function setUp() {
  const file = join(testFolder(), 'minifal.db');
  const store = openTestStore(file);
  onTestFinished(() => store.close());
  return { file, store, queue: createQueue({ store, clock: Date.now, report: (error) => errors.push(error) }) };
}
const errors: unknown[] = [];

describe('a queue whose database another program has locked', () => {
  it.each(['IMMEDIATE', 'EXCLUSIVE'] as const)(
    'stores completed requests later (%s), refuses new ones after a timeout, and keeps serving',
    async (kind) => {
      const { file, store, queue } = setUp();
      for (let n = 0; n < 50; n++) await queue.submit(testRequest(`r${n}`));
      const release = await lockElsewhere(file, kind);
      const completed: string[] = [];
      const ends = Array.from({ length: 50 }, async (_, n) => {
        queue.begin(`r${n}`, { attemptId: 'a', runnerId: 'x', at: 1 });
        if (await queue.complete(`r${n}`, testResponse(`result ${n}`), 2)) completed.push(`r${n}`);
      });
      const refused: unknown[] = [];
      const submit = queue.submit(testRequest('new')).catch((error: unknown) => refused.push(error));
      // The event loop must keep running. If a statement waited for the lock, only one or two turns would fit in.
      let turns = 0;
      for (const until = performance.now() + longLockMs; performance.now() < until; turns++) {
        expect(queue.record('r1')?.phase).toBe('IN_PROGRESS');
        expect(queue.submitted(`r${turns % 50}`)?.body.length).toBeGreaterThan(0);
        await delay(1);
      }
      await submit;
      expect(refused).toEqual([expect.objectContaining({ trouble: 'locked' })]);
      expect(turns).toBeGreaterThan(50);
      expect(completed).toEqual([]);
      expect(store.trouble()?.message).toMatch(/^Another program has locked/);

      await release();
      await Promise.all(ends);
      expect(completed).toHaveLength(50);
      await expect.poll(() => store.trouble()).toBeNull();
      await queue.submit(testRequest('new'));
      const again = createQueue({ store, clock: Date.now, report: (error) => errors.push(error) });
      expect([...again.unfinished()].map(({ request }) => request.id)).toEqual(['new']);
      expect(again.result('r7')).toMatchObject({ response: { body: new Uint8Array(Buffer.from('result 7')) } });
    },
    30_000,
  );

  it('lets a submit wait for a short lock', async () => {
    const { file, store, queue } = setUp();
    const release = await lockElsewhere(file, 'IMMEDIATE');
    const submitted = queue.submit(testRequest('a'));
    await expect.poll(() => store.trouble()).not.toBeNull();
    await release();
    await submitted;
    expect(queue.record('a')?.phase).toBe('IN_QUEUE');
  });

  it('closes only after completed requests are on disk', async () => {
    const { file, store, queue } = setUp();
    await queue.submit(testRequest('a'));
    const release = await lockElsewhere(file, 'IMMEDIATE');
    const ended = queue.complete('a', testResponse(), 1);
    const closed = queue.close();
    await expect.poll(() => store.trouble()).not.toBeNull();
    await release();
    await Promise.all([closed, ended]);
    expect([...createQueue({ store, clock: Date.now, report: (error) => errors.push(error) }).unfinished()]).toEqual(
      [],
    );
  });
});

describe('a store whose file another program has locked', () => {
  it('keeps many writes and performs them when the lock is released', async () => {
    const { file, store } = setUp();
    const release = await lockElsewhere(file, 'IMMEDIATE');
    const kept = Array.from({ length: 1_000 }, (_, n) =>
      store.keep(() => void store.sql("INSERT INTO webhooks (id, document, check_sum) VALUES (?, '', 0)").run(`${n}`)),
    );
    expect(() => store.transaction(() => undefined)).toThrow(DiskTrouble);
    await release();
    await Promise.all(kept);
    expect(store.sql('SELECT count(*) AS n FROM webhooks').get()).toEqual({ n: 1_000 });
    await expect.poll(() => store.trouble()).toBeNull();
  });

  it('opens when the lock is released, and reports the wait once', async () => {
    const { file } = setUp();
    const release = await lockElsewhere(file, 'IMMEDIATE');
    const reported: string[] = [];
    const opening = openPatiently(
      () => openTestStore(file),
      (trouble) => reported.push(trouble.message),
    );
    await expect.poll(() => reported).toHaveLength(1);
    await release();
    (await opening).close();
    expect(reported).toEqual([expect.stringMatching(/^Another program has locked/)]);
  });

  it('is not waited for indefinitely', async () => {
    const { file } = setUp();
    const release = await lockElsewhere(file, 'EXCLUSIVE');
    await expect(
      openPatiently(
        () => openTestStore(file),
        () => undefined,
        200,
      ),
    ).rejects.toThrow(DiskTrouble);
    await release();
  });
});

describe('a group commit', () => {
  it('rolls back only the part that fails', async () => {
    const { store } = setUp();
    const commits = createGroupCommit(store);
    const put = (id: string) =>
      commits.write(
        () => void store.sql("INSERT INTO webhooks (id, document, check_sum) VALUES (?, '', 0)").run(id),
        'keep',
      );
    const half = commits.write(() => {
      store.sql("INSERT INTO webhooks (id, document, check_sum) VALUES ('half', '', 0)").run();
      throw new Error('a bug in one piece');
    });
    const ends = await Promise.allSettled([put('a'), half, put('b'), put('a'), put('c')]);
    expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled']);
    const ids = store.sql('SELECT id FROM webhooks ORDER BY id').all();
    expect(ids.map(({ id }) => id)).toEqual(['a', 'b', 'c']);
  });
});

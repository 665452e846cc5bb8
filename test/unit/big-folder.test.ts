import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCatalog } from '../../emulator/catalog/catalog.ts';
import { mainMigrations } from '../../emulator/migrations.ts';
import { createQueue } from '../../emulator/queue/queue.ts';
import { openStore, type Store } from '../../emulator/store/open.ts';
import { createLogs } from '../../emulator/telemetry/logs.ts';
import { createRunnerHistory } from '../../emulator/telemetry/runners.ts';
import { addApps, addHistory, type Filled, failed, resultOf } from '../support/big-folder.ts';
import { aliases, revisions, secretKey } from './old-folders/content.ts';

/** The folder of `npm run bench -- state`, but smaller: checks the results, and that no cost grows with the history. */
const amount = { finished: 2_000, waiting: 50, runners: 20, logLines: 4_000 };
const clock = Date.now;
let folder: string;
let filled: Filled;
let open: readonly string[];

const openMain = () => openStore(join(folder, 'minifal.db'), { migrations: mainMigrations, synchronous: 'FULL' });

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'minifal-big-'));
  const store = openMain();
  const catalog = createCatalog({ store, clock, secretKey });
  for (const revision of revisions('0'.repeat(64))) catalog.addRevision(revision);
  for (const alias of aliases) catalog.putAlias(alias);
  open = addApps(catalog, 'greet', 48);
  filled = await addHistory(folder, store, { open, closed: 'greet' }, amount);
  store.close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The store, and SQLite's query plan for each statement that was used. */
function watched(store: Store) {
  const texts = new Set<string>();
  const plans = () =>
    [...texts].flatMap((text) =>
      // Plans don't depend on the values, so none are bound.
      store
        .sql(`EXPLAIN QUERY PLAN ${text}`)
        .all(...Array.from(text.matchAll(/\?/g), () => null))
        .map(({ detail }) => String(detail)),
    );
  const sql: Store['sql'] = (text) => {
    if (/^(SELECT|UPDATE|DELETE|INSERT)/.test(text)) texts.add(text);
    return store.sql(text);
  };
  return { store: { ...store, sql }, plans };
}

/** Tables of documents are small and kept in memory. No statement may scan any other table. */
const small = /^SCAN (keys|environments|secrets|revisions|aliases|runners|webhooks|workflows)\b/;
/** Its index contains only unfinished requests. */
const unfinishedOnly = 'SCAN requests USING INDEX requests_unfinished';

describe('a folder with 50 apps and a long history', () => {
  it('answers every stored request correctly after a start', () => {
    const store = openMain();
    const queue = createQueue({ store, clock });
    for (const [n, id] of filled.finished.entries()) {
      expect(queue.record(id)).toMatchObject({ phase: 'COMPLETED', status: failed(n) ? 422 : 200, attempts: 1 });
      const result = queue.result(id);
      const body = result?.kind === 'response' && Buffer.from(result.response.body).toString();
      expect(body).toBe(failed(n) ? `{"detail":"number ${n}"}` : resultOf(n));
    }
    expect([...queue.unfinished()].map(({ request }) => request.id)).toEqual(filled.waiting);
    expect([...queue.unfinished()].map(({ attempts }) => attempts)).toEqual(
      filled.waiting.map((_, n) => (n < 45 ? 0 : 3)),
    );
    const newest = filled.finished.filter((_, n) => n % open.length === 3).toReversed();
    expect(queue.recent(open[3] ?? '', 10).map(({ id }) => id)).toEqual(newest.slice(0, 10));
    expect(createCatalog({ store, clock, secretKey }).aliases(null)).toHaveLength(50);
    expect(createRunnerHistory({ store, clock }).since(0)).toHaveLength(amount.runners);
    expect(store.notices()).toEqual([]);
    store.close();
  });

  it('keeps the lines of each request', () => {
    const logs = createLogs({ file: join(folder, 'logs.db'), maxBytes: 1e9 });
    for (const [n, requestId] of filled.finished.entries()) {
      const lines = logs.query({ requestId, limit: 10, order: 'oldest' }).map(({ message }) => message.split(':')[0]);
      expect(lines).toEqual([`line ${n}`, `line ${n + amount.finished}`]);
    }
    logs.close();
  });

  it('starts and answers without a scan of all requests, whatever their number', async () => {
    const { store, plans } = watched(openMain());
    const queue = createQueue({ store, clock });
    createCatalog({ store, clock, secretKey });
    createRunnerHistory({ store, clock });
    const [finished = '', other = ''] = filled.finished;
    const [waiting = ''] = filled.waiting;
    [...queue.unfinished()];
    queue.result(finished);
    queue.submitted(other);
    queue.recent(open[0] ?? '', 10);
    queue.record('00000000-0000-4000-8000-000000000000');
    queue.begin(waiting, { attemptId: waiting, runnerId: 'r', at: clock() });
    await queue.complete(
      waiting,
      { kind: 'response', response: { status: 200, headers: [], body: Buffer.from('') } },
      clock(),
    );

    const scans = plans().filter((detail) => detail.startsWith('SCAN') && !small.test(detail));
    expect(scans).toEqual([unfinishedOnly]);
    expect(plans()).toContainEqual(
      expect.stringContaining('SEARCH requests USING INDEX sqlite_autoindex_requests_1 (id=?)'),
    );
    store.close();
  });

  it('is pruned without reading the rows that are kept', async () => {
    const { store, plans } = watched(openMain());
    const queue = createQueue({ store, clock });
    expect(await queue.prune()).toBe(0);
    const scans = plans().filter((detail) => detail.startsWith('SCAN'));
    // The sum of the sizes reads the small index of finished requests, never the requests.
    expect(new Set(scans)).toEqual(new Set([unfinishedOnly]));
    const sums = plans().filter((detail) => detail.includes('completed_at<'));
    expect(new Set(sums)).toEqual(
      new Set([
        'SEARCH requests USING COVERING INDEX requests_completed (completed_at>? AND completed_at<?)',
        'SEARCH requests USING INDEX requests_completed (completed_at<?)',
      ]),
    );
    store.close();
  });
});

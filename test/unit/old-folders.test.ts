import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createCatalog } from '../../emulator/catalog/catalog.ts';
import { createBlobs } from '../../emulator/catalog/files/blobs.ts';
import { localKey } from '../../emulator/catalog/identity.ts';
import { openSecretKey } from '../../emulator/catalog/secrets/secret-key.ts';
import { mainMigrations } from '../../emulator/migrations.ts';
import { createQueue } from '../../emulator/queue/queue.ts';
import type { SubmittedRequest } from '../../emulator/queue/types.ts';
import { createStorage } from '../../emulator/storage/storage.ts';
import { openStore } from '../../emulator/store/open.ts';
import { createLogs } from '../../emulator/telemetry/logs.ts';
import { logMigrations } from '../../emulator/telemetry/migrations.ts';
import { historyMigrations } from '../../emulator/telemetry/requests/tables.ts';
import { createRunnerHistory } from '../../emulator/telemetry/runners.ts';
import { sampleMigrations } from '../../emulator/telemetry/samples/tables.ts';
import type { Post } from '../../emulator/webhooks/send.ts';
import { createWebhooks } from '../../emulator/webhooks/webhooks.ts';
import { createWorkflows } from '../../emulator/workflows/workflows.ts';
import * as was from './old-folders/content.ts';

/** The SHA-256 of each released step's statements. */
const frozen = {
  main: [
    'df2094ce361db602788f363a46ec1c70cf574054f76298b30cce9d52939fb7aa',
    'ebe7b64d428162ee23aaa977a4b74697c4ec36b1a2b05bfa13f9fb3f83b8dada',
    '149caf15ad12af13f8cfe28e209ef5963b5ffd6a61de9a7d543eab945912bf83',
  ],
  logs: [
    '8ba67381ded61ad4444f692ccb383274e0c5703ac3822a226c1c7695b5fb9b3a',
    '95fea3780f0df96bffd0d80b7d758146a4c04a599e8e1212562bbdcabc01537a',
  ],
  samples: ['82b989e67e2d979af4d8d82a7b4ec33afc9201562a4928d050bd1258f5826d61'],
  history: [
    '21523cb45212f6744d6bbab85a5d7ea86a5a0a659598976d601f7eb3cb897ced',
    '6e116bfc579941b33c700593a2ecfacf45b7a957ce058af7ba2048502bd8e359',
  ],
};

/** Bodies are read back as other kinds of byte arrays. */
const asText = (request: SubmittedRequest) => ({ ...request, body: Buffer.from(request.body).toString() });

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** The folder as the earlier minifal wrote it (old-folders/write.ts). */
function unpack(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'minifal-old-'));
  closing.push(() => rmSync(folder, { recursive: true }));
  const packed = readFileSync(join(import.meta.dirname, 'old-folders', `${name}.json.gz`));
  const files = z.record(z.string(), z.base64()).parse(JSON.parse(gunzipSync(packed).toString()));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), Buffer.from(content, 'base64'));
  }
  return folder;
}

/** The current rooms on that folder, a minute later. */
function open(folder: string) {
  const clock = () => was.now + 60_000;
  const store = openStore(join(folder, 'minifal.db'), { migrations: mainMigrations, synchronous: 'FULL' });
  closing.unshift(() => store.close());
  const catalog = createCatalog({ store, clock, secretKey: openSecretKey(folder).key });
  const queue = createQueue({ store, clock });
  const logs = createLogs({ file: join(folder, 'logs.db'), maxBytes: 1e9 });
  closing.unshift(() => logs.close());
  const posted: Post[] = [];
  const webhooks = createWebhooks({
    store,
    queue,
    clock,
    signing: { headers: async () => ({}) },
    async post(post) {
      posted.push(post);
      return { kind: 'delivered' };
    },
    later: () => () => undefined,
    onGivenUp: () => undefined,
    report(error) {
      throw error;
    },
  });
  const history = createRunnerHistory({ store, clock });
  const storage = createStorage({ folder, store, maxBytes: 1e9, clock });
  return {
    store,
    catalog,
    queue,
    logs,
    webhooks,
    posted,
    history,
    storage,
    workflows: createWorkflows({ store, clock }),
  };
}

describe.each([1, 2, 3])('a data folder of schema step %i', (step) => {
  it('is migrated to the current schema without a message', () => {
    const { store, logs } = open(unpack(`step-${step}`));
    expect(store.sql('PRAGMA user_version').get()).toEqual({ user_version: mainMigrations.length });
    expect([...store.notices(), ...logs.notices()]).toEqual([]);
  });

  it('keeps apps, environments, secrets and the key', () => {
    const folder = unpack(`step-${step}`);
    const { catalog } = open(folder);
    const key = readFileSync(join(folder, 'key'), 'utf8').trim();
    expect(localKey(folder, catalog)).toBe(key);
    expect(catalog.listKeys()).toMatchObject([{ scope: 'ADMIN', alias: 'this machine', createdAt: was.now }]);
    expect(catalog.listEnvironments()).toMatchObject([
      { name: 'main', isDefault: true },
      { name: 'dev', description: 'for trying' },
    ]);
    expect(catalog.secretValues('main', null)).toEqual({ TOKEN: 'swordfish' });
    expect(catalog.secretValues('dev', null)).toEqual({});
    expect(catalog.secretValues('dev', ['TOKEN'])).toEqual({ TOKEN: 'flounder' });
    expect(catalog.aliases(null)).toMatchObject(was.aliases);
    const blob = createHash('sha256').update(was.callable).digest('hex');
    expect(catalog.revisions(null)).toMatchObject(was.revisions(blob).toReversed());
    expect(readFileSync(createBlobs(join(folder, 'blobs')).path(blob))).toEqual(was.callable);
  });

  it('keeps results, and performs unfinished requests', async () => {
    const { queue } = open(unpack(`step-${step}`));
    expect(queue.record('done')).toMatchObject({ phase: 'COMPLETED', status: 200, runnerId: 'r-ended', attempts: 1 });
    const done = queue.result('done');
    expect(done?.kind === 'response' && Buffer.from(done.response.body).toString()).toBe('{"text":"hello"}');
    expect(queue.record('failed')).toMatchObject({
      status: 504,
      error: { type: 'request_timeout', detail: 'too late' },
    });
    expect(queue.result('failed')).toEqual(was.outcomes.failed);

    const { waiting, running, again } = was.requests;
    const unfinished = [...queue.unfinished()].map(({ request, ...past }) => {
      const input = queue.submitted(request.id) ?? expect.fail(request.id);
      expect(input).toMatchObject({ ...request });
      return { ...asText(input), ...past };
    });
    // These folders have no record of granted retries.
    const retried = { server_error: 0, timeout: 0, connection_error: 0 };
    expect(unfinished).toMatchObject([
      { ...asText(waiting), attempts: 0, interrupted: false, retried },
      { ...asText(running), attempts: 1, interrupted: true, retried },
      { ...asText(again), attempts: 1, interrupted: false, retried },
    ]);
    for (const { id } of unfinished) {
      queue.begin(id, { attemptId: id, runnerId: 'r-new', at: was.now });
      await queue.complete(id, was.outcomes.done ?? expect.fail('no outcome'), was.now);
    }
    expect([...queue.unfinished()]).toEqual([]);
    // These folders have no numbers of their own: they are those of the queue.
    expect([queue.number('done'), queue.takeNumber()]).toEqual([expect.any(Number), 6]);
    expect(queue.recent('greet', 10).map(({ id, status }) => [id, status])).toEqual([
      ['failed', 504],
      ['done', 200],
      ['again', 200],
      ['running', 200],
      ['waiting', 200],
    ]);
  });

  it('keeps the history of runners and the log', () => {
    const { history, logs } = open(unpack(`step-${step}`));
    expect(history.since(0)).toMatchObject([
      {
        id: 'r-ended',
        alias: 'greet',
        revision: 'rev-1',
        machineType: 'XS',
        endedAt: was.now,
        endReason: 'keep_alive',
        number: 1,
      },
      { id: 'r-open', endReason: 'emulator was killed, at most a minute later', number: 2 },
    ]);
    expect(history.transitions('r-ended')).toEqual([{ at: was.now, state: 'IDLE', reason: 'it became ready' }]);
    expect(logs.query({ limit: 10, order: 'oldest' })).toMatchObject(was.lines);
    expect(logs.query({ limit: 10, order: 'oldest', requestId: 'done' })).toMatchObject([{ message: 'hello' }]);
  });

  it.runIf(step >= 2)('keeps stored files and values', () => {
    const { storage } = open(unpack(`step-${step}`));
    const { about, content, md5 } = was.file;
    const found = storage.files.find(about.id) ?? expect.fail('the file is gone');
    expect(found.file).toMatchObject({ ...about, md5, size: content.length });
    expect(readFileSync(found.path)).toEqual(content);
    expect(Buffer.from(storage.keyValues.get('db', 'greeting') ?? []).toString()).toBe('good day');
  });

  it.runIf(step >= 3)('keeps workflows, and calls pending webhooks', async () => {
    const { workflows, webhooks, queue, posted } = open(unpack(`step-${step}`));
    expect(workflows.list()).toMatchObject([{ ...was.workflow, createdAt: was.now }]);
    webhooks.resume();
    await queue.complete('waiting', was.outcomes.done ?? expect.fail('no outcome'), was.now);
    await expect.poll(() => posted).toMatchObject([{ url: was.requests.waiting.webhook }]);
    expect(JSON.parse(posted[0]?.body.toString() ?? '')).toMatchObject({
      request_id: 'waiting',
      payload: { text: 'hello' },
    });
    webhooks.close();
  });
});

it('a log of schema step 2 keeps lines, their places, and exceptions', () => {
  const logs = createLogs({ file: join(unpack('logs-2'), 'logs.db'), maxBytes: 1e9 });
  closing.unshift(() => logs.close());
  expect(logs.notices()).toEqual([]);
  expect(logs.query({ limit: 10, order: 'oldest' })).toMatchObject([...was.lines, ...was.placedLines]);
  expect(logs.exceptionOf({ requestId: 'q' })).toEqual(was.exception.exception);
});

describe('a schema step that was released', () => {
  const digest = (statements: readonly string[]) =>
    createHash('sha256').update(JSON.stringify(statements)).digest('hex');

  /** Users' folders have it: a change is a new step with its own fixture (old-folders/write.ts), never an edit. */
  it('is never edited', () => {
    expect(mainMigrations.map(({ statements }) => digest(statements)).slice(0, frozen.main.length)).toEqual(
      frozen.main,
    );
    expect(logMigrations.map(({ statements }) => digest(statements)).slice(0, frozen.logs.length)).toEqual(frozen.logs);
    expect(historyMigrations.map(({ statements }) => digest(statements))).toEqual(frozen.history);
    expect(sampleMigrations.map(({ statements }) => digest(statements))).toEqual(frozen.samples);
  });

  it('has a digest here, and a folder that was written with it', () => {
    expect([mainMigrations.length, logMigrations.length]).toEqual([frozen.main.length, frozen.logs.length]);
    for (const step of frozen.main.keys()) expect(unpack(`step-${step + 1}`)).toBeTruthy();
  });
});

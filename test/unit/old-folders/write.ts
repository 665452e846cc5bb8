// Writes the data folder of an earlier minifal with that minifal's own code:
//   node test/unit/old-folders/write.ts CHECKOUT STEPS OUT
// CHECKOUT: a working tree of the commit; STEPS: how many steps of its main schema; OUT: the folder for the fixture.
// step-1: commit a0ea101. step-2, step-3: commit 7795b4b, which brought both (no commit ends at step 2).
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { createCatalog } from '../../../emulator/catalog/catalog.ts';
import type { createBlobs } from '../../../emulator/catalog/files/blobs.ts';
import type { mainMigrations } from '../../../emulator/migrations.ts';
import type { createQueue } from '../../../emulator/queue/queue.ts';
import type { createStorage } from '../../../emulator/storage/storage.ts';
import type { openStore } from '../../../emulator/store/open.ts';
import type { createLogs } from '../../../emulator/telemetry/logs.ts';
import type { logMigrations } from '../../../emulator/telemetry/migrations.ts';
import type { createRunnerHistory } from '../../../emulator/telemetry/runners.ts';
import type { createWebhooks } from '../../../emulator/webhooks/webhooks.ts';
import type { createWorkflows } from '../../../emulator/workflows/workflows.ts';
import * as was from './content.ts';

/** The modules of that minifal, with today's types: the parts that are used here haven't changed. */
interface OldMinifal {
  readonly mainMigrations: typeof mainMigrations;
  readonly logMigrations: typeof logMigrations;
  readonly openStore: typeof openStore;
  readonly createCatalog: typeof createCatalog;
  readonly createBlobs: typeof createBlobs;
  readonly createQueue: typeof createQueue;
  readonly createRunnerHistory: typeof createRunnerHistory;
  readonly createLogs: typeof createLogs;
  readonly createStorage?: typeof createStorage;
  readonly createWorkflows?: typeof createWorkflows;
  readonly createWebhooks?: typeof createWebhooks;
}

const [checkout = '', steps = '', out = ''] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'minifal-old-'));
await write(await load(resolve(checkout)), Number(steps));
const files: { [path: string]: string } = {};
for (const path of readdirSync(folder, { recursive: true, withFileTypes: true })) {
  if (!path.isFile()) continue;
  const file = join(path.parentPath, path.name);
  files[file.slice(folder.length + 1)] = readFileSync(file).toString('base64');
}
writeFileSync(join(out, `step-${steps}.json.gz`), gzipSync(JSON.stringify(files), { level: 9 }));
rmSync(folder, { recursive: true });

async function load(root: string): Promise<OldMinifal> {
  const names = ['store/migrations', 'store/open', 'catalog/catalog', 'catalog/blobs', 'queue/queue'];
  const later = ['storage/storage', 'workflows/workflows', 'webhooks/webhooks'];
  const modules = await Promise.all(
    [...names, 'telemetry/runners', 'telemetry/logs', ...later.slice(0, Number(steps) === 1 ? 0 : 3)].map(
      (name) => import(join(root, 'emulator', `${name}.ts`)),
    ),
  );
  return Object.assign({}, ...modules);
}

async function write(old: OldMinifal, count: number): Promise<void> {
  const clock = () => was.now;
  const migrations = old.mainMigrations.slice(0, count);
  const store = old.openStore(join(folder, 'minifal.db'), { migrations, synchronous: 'FULL' });
  writeFileSync(join(folder, 'secret.key'), was.secretKey.toString('hex'));

  const catalog = old.createCatalog({ store, clock, secretKey: was.secretKey });
  const { keyId, keySecret } = catalog.createKey('ADMIN', 'this machine');
  writeFileSync(join(folder, 'key'), `${keyId}:${keySecret}\n`);
  catalog.createEnvironment('dev', 'for trying');
  catalog.setSecret('TOKEN', 'swordfish', 'main', true);
  catalog.setSecret('TOKEN', 'flounder', 'dev', false);
  const blob = old.createBlobs(join(folder, 'blobs')).put(was.callable);
  for (const revision of was.revisions(blob)) catalog.addRevision(revision);
  for (const alias of was.aliases) catalog.putAlias(alias);

  const queue = old.createQueue({ store, clock });
  for (const request of Object.values(was.requests)) await queue.submit(request);
  queue.begin('running', { attemptId: 'running', runnerId: 'r-open', at: was.now });
  queue.begin('again', { attemptId: 'again', runnerId: 'r-ended', at: was.now });
  queue.requeue('again');
  for (const [id, outcome] of Object.entries(was.outcomes)) {
    queue.begin(id, { attemptId: id, runnerId: 'r-ended', at: was.now });
    await queue.complete(id, outcome, was.now + 1_500);
  }

  const history = old.createRunnerHistory({ store, clock });
  for (const runner of was.runners) history.started(runner);
  history.transition('r-ended', { at: was.now, state: 'IDLE', reason: 'it became ready' });
  history.ended('r-ended', was.now, 'keep_alive');

  const logs = old.createLogs({ file: join(folder, 'logs.db'), maxBytes: 1e9 });
  for (const line of was.lines) logs.append(line);
  logs.close();

  if (count >= 2 && old.createStorage) {
    const storage = old.createStorage({ folder, store, maxBytes: 1e9, clock });
    storage.keyValues.set('db', 'greeting', Buffer.from('good day'), 3_600);
    const upload = join(folder, 'upload');
    writeFileSync(upload, was.file.content);
    await storage.files.keep(was.file.about, { file: upload, size: was.file.content.length, md5: was.file.md5 });
  }
  if (count >= 3 && old.createWorkflows && old.createWebhooks) {
    old.createWorkflows({ store, clock }).create(was.workflow);
    const webhooks = old.createWebhooks({
      store,
      queue,
      clock,
      signing: { headers: async () => ({}) },
      post: async () => ({ kind: 'delivered' }),
      later: () => () => undefined,
      onGivenUp: () => undefined,
      report: console.error,
    });
    const note = webhooks.expect(was.requests.waiting);
    // Older versions have already written it at this point.
    if (note) store.transaction(note);
    webhooks.close();
  }
  await queue.close();
  store.close();
}

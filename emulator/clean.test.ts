import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { agentPin } from './builds/virtualenv/agent.ts';
import { environmentHash, parseVirtualenv } from './builds/virtualenv/definition.ts';
import { createCatalog } from './catalog/catalog.ts';
import { revisionDefaults, scaleDefaults } from './catalog/scale-settings.ts';
import { openSecretKey } from './catalog/secrets/secret-key.ts';
import { cleanFolder } from './clean.ts';
import { clean } from './cli/commands/clean.ts';
import { lockFolder } from './cli/data-folder.ts';
import { createQueue } from './queue/queue.ts';
import { openTestStore, testRequest, testResponse } from './queue/testing/requests.ts';
import { createStorage } from './storage/storage.ts';
import { testFolder } from './store/testing/folder.ts';
import { testHistory } from './telemetry/requests/testing/history.ts';
import { webhookRecords } from './webhooks/records.ts';

/** A folder with one thing of each sort that is needed, and one that is not. */
async function usedFolder() {
  const folder = testFolder();
  const store = openTestStore(join(folder, 'minifal.db'));
  const queue = createQueue({ store, clock: Date.now });
  for (const id of ['finished', 'owed', 'waiting']) await queue.submit(testRequest(id));
  for (const id of ['finished', 'owed']) {
    queue.begin(id, { attemptId: id, runnerId: 'r', at: 2_000 });
    await queue.complete(id, testResponse(), 3_000);
  }
  await queue.close();
  const history = testHistory(folder);
  for (const number of [1, 2]) {
    const request = { number, id: `q-${number}`, alias: 'app', kind: 'direct', method: 'POST', path: '/' } as const;
    history.arrived({ ...request, submittedAt: 1, attempts: 0 });
    history.ended(request.id, 2, null);
  }
  history.close();
  webhookRecords(store).note('owed', { url: 'https://hook.example', userId: 'u', attempts: 0, nextAt: null });

  const storage = createStorage({ folder, store, maxBytes: 1000, clock: Date.now });
  const about = { name: 'f', contentType: 'text/plain', userId: 'u', acl: null };
  for (const [id, expiresAt] of [
    ['aa', 1],
    ['bb', null],
  ] as const) {
    await storage.uploads.putWhole(storage.uploads.begin({ ...about, id, expiresAt }), [Buffer.from('12345')]);
  }
  storage.keyValues.set('db', 'expired', Buffer.from('x'), -60);
  storage.keyValues.set('db', 'kept', Buffer.from('x'), 60_000);
  writeFileSync(join(folder, 'data', 'precious'), 'x');

  const configuration = { requirements: ['pillow'] };
  createCatalog({ store, clock: Date.now, secretKey: openSecretKey(folder).key }).addRevision({
    id: 'rev',
    alias: 'app',
    environmentName: 'main',
    createdAt: 1,
    environments: [{ kind: 'virtualenv', configuration }],
    callable: { kind: 'entrypoint', name: 'm:A' },
    machineTypes: ['XS'],
    numGpus: null,
    exposedPort: null,
    settings: revisionDefaults,
    scale: scaleDefaults,
    validRegions: [],
    files: [],
    secretNames: null,
    metadata: null,
    sourceCode: null,
    privateLogs: false,
  });
  store.close();
  const parsed = parseVirtualenv(configuration);
  if (!parsed.ok) throw new Error(parsed.reason);
  const used = environmentHash(parsed.definition, [], agentPin);
  for (const hash of [used, 'unused']) {
    mkdirSync(join(folder, 'environments', hash), { recursive: true });
    writeFileSync(join(folder, 'environments', hash, 'file'), '12345');
  }
  return { folder, used };
}

describe('cleaning a data folder', () => {
  it('removes packages for functions in images, unless an app needs them', async () => {
    const { folder } = await usedFolder();
    const platform = join(folder, 'agents', 'images', 'x86_64-manylinux_2_36');
    mkdirSync(join(platform, '3.11-agent'), { recursive: true });
    writeFileSync(join(platform, '3.11-agent', 'file'), '12345');
    const { bytes } = await cleanFolder(folder);
    expect([bytes, existsSync(platform)]).toEqual([15, false]);
  });

  it('removes what nobody needs, and nothing else', async () => {
    const { folder, used } = await usedFolder();
    expect(await cleanFolder(folder)).toEqual({
      environments: 1,
      images: 0,
      requests: 1,
      files: 1,
      values: 1,
      bytes: 10,
      notices: [],
    });
    expect(readdirSync(join(folder, 'environments'))).toEqual([used]);
    expect(existsSync(join(folder, 'data', 'precious'))).toBe(true);
    const store = openTestStore(join(folder, 'minifal.db'));
    const queue = createQueue({ store, clock: Date.now });
    expect(['finished', 'owed', 'waiting'].map((id) => queue.record(id)?.phase)).toEqual([
      undefined,
      'COMPLETED',
      'IN_QUEUE',
    ]);
    await queue.close();
    // The last request is kept for its number.
    const history = testHistory(folder);
    expect(['1', '2'].map((number) => history.get(number)?.id)).toEqual([undefined, 'q-2']);
    history.close();
    const storage = createStorage({ folder, store, maxBytes: 1000, clock: Date.now });
    expect(storage.files.find('bb')).toBeDefined();
    expect(storage.keyValues.get('db', 'kept')).toBeDefined();
    expect(storage.quota.used()).toBe(6);
    store.close();
    expect(await cleanFolder(folder)).toMatchObject({ environments: 0, requests: 0, files: 0, values: 0, bytes: 0 });
  });

  it('is refused with a sentence while an emulator runs there', async () => {
    const { folder } = await usedFolder();
    const lock = lockFolder(folder);
    await expect(clean({ data: folder })).rejects.toMatchObject({
      message: expect.stringContaining('nothing was cleaned'),
      // Without the folder, the command would end another emulator.
      next: expect.stringMatching(/minifal(\.mjs)?'? stop --data \S+`/),
    });
    expect(readdirSync(join(folder, 'environments'))).toHaveLength(2);
    if ('release' in lock) lock.release();
    expect(await clean({ data: folder })).toBe(0);
    expect(readdirSync(join(folder, 'environments'))).toHaveLength(1);
    expect(lockFolder(folder)).toHaveProperty('release');
  });

  it('makes no folder where there is none', async () => {
    const folder = join(testFolder(), 'none');
    expect(await clean({ data: folder })).toBe(0);
    expect(existsSync(folder)).toBe(false);
  });
});

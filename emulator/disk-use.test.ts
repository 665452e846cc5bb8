import { linkSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createDiskUse } from './disk-use.ts';
import { testFolder } from './store/testing/folder.ts';

const mebibyte = Buffer.alloc(1024 ** 2, 1);

it('measures each part of the data folder, and what `minifal clean` would free', async () => {
  const folder = testFolder();
  for (const name of ['environments/one', 'environments/two', 'storage', 'data']) {
    mkdirSync(join(folder, name), { recursive: true });
  }
  writeFileSync(join(folder, 'environments', 'one', 'torch.so'), mebibyte);
  linkSync(join(folder, 'environments', 'one', 'torch.so'), join(folder, 'environments', 'two', 'torch.so'));
  writeFileSync(join(folder, 'storage', 'file'), mebibyte);
  writeFileSync(join(folder, 'data', 'model'), Buffer.concat([mebibyte, mebibyte]));
  writeFileSync(join(folder, 'logs.db'), mebibyte);

  const measure = createDiskUse(folder, { revisions: () => [] });
  const [use, same] = await Promise.all([measure(), measure()]);
  expect(same).toBe(use);
  const mb = (bytes: number) => Math.floor(bytes / 1024 ** 2);
  expect({ ...use, bytes: mb(use.bytes), storageBytes: mb(use.storageBytes), dataBytes: mb(use.dataBytes) }).toEqual({
    folder,
    bytes: 5,
    environments: { count: 2, bytes: expect.any(Number) },
    unused: { count: 2, bytes: use.environments.bytes },
    storageBytes: 1,
    dataBytes: 2,
    freeBytes: expect.any(Number),
  });
  expect(mb(use.environments.bytes)).toBe(1);
  expect(use.freeBytes).toBeGreaterThan(0);
});

it('an empty folder takes nothing', async () => {
  const measure = createDiskUse(testFolder(), { revisions: () => [] });
  expect(await measure()).toMatchObject({ bytes: 0, environments: { count: 0, bytes: 0 } });
});

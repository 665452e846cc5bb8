import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { testFolder } from '../../store/testing/folder.ts';
import { openSecretKey } from './secret-key.ts';

// No file system here fails at this step on demand; all other steps are real.
const disk = vi.hoisted(() => ({ confirms: true }));
vi.mock('../../store/durable-file.ts', async (importOriginal) => {
  const real = await importOriginal<typeof import('../../store/durable-file.ts')>();
  const syncFolder = (folder: string) => {
    if (!disk.confirms) throw new Error('EIO: i/o error, fsync');
    real.syncFolder(folder);
  };
  return { ...real, syncFolder };
});

it.each([
  ['seal', /is sealed by .*did not confirm it .*EIO/, /^sealed-2 /],
  ['unseal', /is open .*did not confirm it .*EIO/, /^[0-9a-f]{64}$/],
] as const)('a key that was written says so when only its folder could not be synced: %s', (want, words, content) => {
  const folder = testFolder();
  const wrappingKey = 'a'.repeat(64);
  disk.confirms = true;
  const { key } = openSecretKey(folder, want === 'unseal' ? { want: 'seal', wrappingKey } : undefined);
  disk.confirms = false;
  const { key: opened, notice } = openSecretKey(folder, { want, wrappingKey });
  expect(opened).toEqual(key);
  expect(notice).toMatch(words);
  expect(notice).not.toMatch(/is unchanged/);
  expect(readFileSync(join(folder, 'secret.key'), 'utf8')).toMatch(content);
});

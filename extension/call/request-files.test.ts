import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { createRequestFiles } from './request-files.ts';

const folder = await mkdtemp(join(tmpdir(), 'minifal-requests-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

it('has the last text of each path, also in another window', async () => {
  const files = createRequestFiles(join(folder, 'texts'));
  await expect(files.stat('/a/x.fal.json')).rejects.toThrow('ENOENT');
  await files.write('/a/x.fal.json', Buffer.from('one'));
  await files.write('/b/x.fal.json', Buffer.from('other'));
  await files.write('/a/x.fal.json', Buffer.from('two!'));
  const again = createRequestFiles(join(folder, 'texts'));
  expect(String(await again.read('/a/x.fal.json'))).toBe('two!');
  expect(await again.stat('/a/x.fal.json')).toMatchObject({ size: 4, mtime: expect.any(Number) });
  expect(String(await again.read('/b/x.fal.json'))).toBe('other');
});

it('keeps the newest, whatever their paths are', async () => {
  const files = createRequestFiles(join(folder, 'many'));
  for (let n = 0; n < 205; n++) await files.write(`/${'ü'.repeat(300)}/../${n}`, Buffer.from(`${n}`));
  expect(await readdir(join(folder, 'many'))).toHaveLength(200);
  expect(String(await files.read(`/${'ü'.repeat(300)}/../204`))).toBe('204');
  expect((await readdir(folder)).sort()).toEqual(['many', 'texts']);
});

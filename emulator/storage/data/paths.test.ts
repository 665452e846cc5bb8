import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { testFolder } from '../../store/testing/folder.ts';
import { Refusal } from '../refusal.ts';
import { createDataFiles } from './files.ts';
import { at, stepsOf } from './paths.ts';

/** A root with links of every sort, and a secret next to it. */
function made() {
  const folder = realpathSync(testFolder());
  const root = join(folder, 'data');
  mkdirSync(join(root, 'dir', 'sub'), { recursive: true });
  writeFileSync(join(folder, 'secret'), 'secret');
  writeFileSync(join(root, 'dir', 'file'), 'inside');
  const links = {
    up: '..',
    root: '/',
    etc: '/etc',
    host: folder,
    hostData: root,
    loop: 'loop',
    inside: 'dir',
    absolute: '/data/dir',
    climbing: 'dir/sub/../../..',
    secret: '../secret',
    twice: 'up',
    'dir/sub/back': '../..',
    'dir/sub/out': '../../..',
  };
  for (const [name, target] of Object.entries(links)) symlinkSync(target, join(root, name));
  return { folder, root, names: Object.keys(links) };
}

/** The path where the work is done, without the descriptor. */
const locate = (root: string, steps: readonly string[], last: 'follow' | 'keep') =>
  at(root, steps, { last }, async (path, isRoot) =>
    isRoot ? realpathSync(path) : join(realpathSync(dirname(path)), basename(path)),
  );

describe('paths of /data', () => {
  it('absolute ones begin with /data, others are below it; repeated slashes mean nothing', () => {
    expect(stepsOf('/data/x/y')).toEqual(['x', 'y']);
    expect(stepsOf('//data//x/./y/')).toEqual(['x', 'y']);
    expect(stepsOf('data/x')).toEqual(['data', 'x']);
    expect(stepsOf('')).toEqual([]);
    expect(stepsOf('/data')).toEqual([]);
    for (const bad of ['/etc/passwd', '/', '/data/..', '../x', 'x/../y', 'a\0b', 'x'.repeat(5000)]) {
      expect(() => stepsOf(bad), bad).toThrow(Refusal);
    }
  });

  it('links are followed as a runner follows them, but never out of /data', async () => {
    const { root } = made();
    expect(await locate(root, ['inside', 'file'], 'follow')).toBe(join(root, 'dir', 'file'));
    expect(await locate(root, ['absolute', 'file'], 'follow')).toBe(join(root, 'dir', 'file'));
    expect(await locate(root, ['dir', 'sub', 'back', 'dir'], 'follow')).toBe(join(root, 'dir'));
    expect(await locate(root, ['secret'], 'keep')).toBe(join(root, 'secret'));
    for (const link of ['up', 'root', 'etc', 'host', 'hostData', 'loop', 'climbing', 'secret', 'twice']) {
      await expect(locate(root, [link], 'follow'), link).rejects.toThrow(Refusal);
      await expect(locate(root, [link, 'x'], 'keep'), link).rejects.toThrow(Refusal);
    }
  });

  it('none of 3,000 paths leads out of the root, whatever the operation', { timeout: 120_000 }, async () => {
    const { folder, root, names } = made();
    const files = createDataFiles(root);
    const step = fc.oneof(
      fc.constantFrom('..', '.', '', 'data', 'dir', 'sub', 'file', 'back', 'out', '...', '%2e%2e', '..\\..', '\0', '~'),
      fc.constantFrom(...names),
      fc.string({ maxLength: 12 }),
    );
    const path = fc
      .tuple(
        fc.constantFrom('', '/', '//', '/data/', '/data', '/data//', '/data/../'),
        fc.array(step, { maxLength: 8 }),
      )
      .map(([start, steps]) => start + steps.join('/'));
    const stays = fc.asyncProperty(path, fc.constantFrom('follow' as const, 'keep' as const), async (asked, last) => {
      try {
        const found = await locate(root, stepsOf(asked), last);
        expect(found === root || found.startsWith(`${root}/`)).toBe(true);
        // The system agrees: if the path exists, its folder is really there.
        const parent = found === root ? root : join(found, '..');
        try {
          expect(`${realpathSync(parent)}/`.startsWith(`${root}/`)).toBe(true);
        } catch (error) {
          if (!(error instanceof Error) || !('code' in error) || !['ENOENT', 'ENOTDIR'].includes(String(error.code)))
            throw error;
        }
      } catch (error) {
        expect(error).toBeInstanceOf(Refusal);
      }
      for (const entry of await files.list(asked).catch(() => [])) expect(entry.path).toMatch(/^\/data/);
      const opened = await files.openFile(asked).catch((error: unknown) => {
        expect(error).toBeInstanceOf(Refusal);
      });
      if (opened) {
        expect(await opened.handle.readFile('utf8')).toBe('inside');
        await opened.handle.close();
      }
    });
    await fc.assert(stays, { numRuns: 3_000, seed: 5 });
    expect(realpathSync(join(folder, 'secret'))).toBe(join(folder, 'secret'));
  });
});

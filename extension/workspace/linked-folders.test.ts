import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { linkedFolders, openedPaths } from './linked-folders.ts';

it('finds folders that are reached through a link, and the files in them', () => {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'minifal-test-links-')));
  onTestFinished(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, 'disk/app'), { recursive: true });
  symlinkSync(join(root, 'disk'), join(root, 'link'));
  const links = linkedFolders([join(root, 'link/app'), join(root, 'disk'), join(root, 'gone')]);
  expect(links).toEqual([{ real: join(root, 'disk/app'), opened: join(root, 'link/app') }]);
  const file = join(root, 'disk/app/app.py');
  expect(openedPaths(file, links)).toEqual([file, join(root, 'link/app/app.py')]);
  expect(openedPaths(join(root, 'disk/app2/app.py'), links)).toHaveLength(1);
});

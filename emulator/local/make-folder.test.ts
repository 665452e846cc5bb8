import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeFolder } from './make-folder.ts';

it('makes missing folders, also when called twice', () => {
  const folder = mkdtempSync(join(tmpdir(), 'minifal-make-'));
  for (const _ of [1, 2]) makeFolder(join(folder, 'a', 'b'), 0o700);
  expect(statSync(join(folder, 'a', 'b')).mode & 0o777).toBe(0o700);
  writeFileSync(join(folder, 'file'), '');
  for (const path of [['file'], ['file', 'c']]) expect(() => makeFolder(join(folder, ...path))).toThrow(/EEXIST/);
  rmSync(folder, { recursive: true });
});

it.runIf(existsSync('/proc/self'))('throws where a system reports an existing folder as missing', () => {
  expect(() => makeFolder('/proc/no-home/.cache')).toThrow(/ENOENT/);
});

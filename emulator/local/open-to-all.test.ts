import { chmodSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { testFolder } from '../store/testing/folder.ts';
import { openToAll } from './open-to-all.ts';

it('everything in a folder can be read by all, also if the umask is strict', async () => {
  const umask = process.umask(0o077);
  onTestFinished(() => void process.umask(umask));
  const folder = join(testFolder(), 'packages');
  const [inner, file, program, secret] = ['a', 'a/file', 'a/program', 'outside'].map((name) => join(folder, name));
  mkdirSync(inner ?? '', { recursive: true });
  writeFileSync(file ?? '', '');
  writeFileSync(program ?? '', '');
  chmodSync(program ?? '', 0o700);
  const outside = join(folder, '..', 'outside');
  writeFileSync(outside, '');
  symlinkSync(outside, secret ?? '');
  await openToAll(folder);
  const modes = [folder, inner, file, program, outside].map((path) => (statSync(path ?? '').mode & 0o777).toString(8));
  expect(modes).toEqual(['755', '755', '644', '755', '600']);
  await openToAll(folder);
});

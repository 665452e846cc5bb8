import { chmodSync, cpSync, readdirSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { findUv } from '../../../test/support/uv.ts';
import { testFolder } from '../../store/testing/folder.ts';
import { foundPythons } from '../uv/pythons.ts';
import { runnerProgram } from './runner-program.ts';

const sources = join(import.meta.dirname, '../../runner');

const filesOf = (folder: string) =>
  readdirSync(folder, { withFileTypes: true, recursive: true }).map((one) => join(one.parentPath, one.name));
const named = (folder: string, extension: string) => filesOf(folder).filter((path) => extname(path) === extension);

const { PATH = '', HOME = '' } = process.env;
const env = { PATH, HOME };

async function made(minor: string, runnerSources = sources, dataDir = testFolder()) {
  return runnerProgram({ dataDir, runnerSources, uv: await findUv(), env, minor });
}

it('the runner program of containers is readable for all and compiled, also under a strict umask', async () => {
  const umask = process.umask(0o077);
  onTestFinished(() => void process.umask(umask));
  const own = join(testFolder(), 'runner');
  cpSync(sources, own, { recursive: true });
  for (const path of named(own, '.py')) chmodSync(path, 0o600);
  const [newest = ''] = (await foundPythons(await findUv(), env)) ?? [];
  const folder = await made(newest.split('.').slice(0, 2).join('.'), own);
  for (const path of [folder, ...filesOf(folder)]) expect([path, statSync(path).mode & 0o004]).toEqual([path, 0o004]);
  expect(named(folder, '.pyc')).toHaveLength(named(folder, '.py').length);
  expect(named(folder, '.py')).toHaveLength(named(sources, '.py').length);
  expect(readdirSync(folder)).not.toContain('first');
});

it('it is made once, and not compiled without a Python of that version', async () => {
  const dataDir = testFolder();
  const folder = await made('3.99', sources, dataDir);
  expect(named(folder, '.pyc')).toEqual([]);
  const { ino } = statSync(folder);
  expect(await made('3.99', sources, dataDir)).toBe(folder);
  expect(statSync(folder).ino).toBe(ino);
  expect(readdirSync(join(dataDir, 'tools'))).toHaveLength(1);
});

import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ownCommand } from './own-command.ts';

let folder: string;
let program: string;
let bundle: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'minifal-own-')));
  for (const name of ['bin', 'dist', 'links', 'others']) mkdirSync(join(folder, name));
  program = join(folder, 'bin', 'minifal.mjs');
  bundle = join(folder, 'dist', 'chunk.mjs');
  writeFileSync(program, '');
  writeFileSync(join(folder, 'others', 'minifal'), '');
  symlinkSync(program, join(folder, 'links', 'minifal'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('is the path where no link on PATH leads to this program', () => {
  expect(ownCommand({ PATH: '/usr/bin::links' }, bundle)).toEqual([program]);
  expect(ownCommand({}, bundle)).toEqual([program]);
});

it('is the name if the first command of that name is this program, and only then', () => {
  const [links, others] = [join(folder, 'links'), join(folder, 'others')];
  expect(ownCommand({ PATH: `/nowhere:${links}/:${others}` }, bundle)).toEqual(['minifal']);
  expect(ownCommand({ PATH: `${others}:${links}` }, bundle)).toEqual([program]);
});

it('is the bundle if nothing else is installed', () => {
  rmSync(program);
  expect(ownCommand({ PATH: '/usr/bin' }, bundle)).toEqual(['node', join(folder, 'dist', 'minifal.mjs')]);
});

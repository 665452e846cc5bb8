import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { UserError } from '../wire/errors.ts';
import { checkShares } from './shares.ts';

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'minifal-shares-'));
  for (const name of ['.minifal/runners', 'models', '.minifal-models'])
    mkdirSync(join(home, name), { recursive: true });
  symlinkSync(home, join(home, 'models', 'link'));
});
afterAll(() => rmSync(home, { recursive: true }));

const check = (path: string) => checkShares([{ path, writable: false }], join(home, '.minifal'));

it.each(['', '.minifal', '.minifal/runners', 'models/link'])('refuses ~/%s, where the data folder is', (path) => {
  expect(() => check(join(home, path))).toThrow(UserError);
});

it('refuses the whole machine', () => {
  expect(() => check('/')).toThrow(/minifal's own data folder is there/);
});

it.each(['models', '.minifal-models'])('takes ~/%s', (path) => {
  expect(() => check(join(home, path))).not.toThrow();
});

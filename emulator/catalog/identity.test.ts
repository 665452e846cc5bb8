import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { testFolder } from '../store/testing/folder.ts';
import { tokenKey } from './identity.ts';

it('the key that signs tokens is created once, and again when its file is truncated', () => {
  const folder = testFolder();
  const key = tokenKey(folder);
  expect(key).toHaveLength(32);
  expect(tokenKey(folder)).toEqual(key);
  for (const torn of ['', key.toString('hex').slice(0, 20)]) {
    writeFileSync(join(folder, 'token.key'), torn);
    const made = tokenKey(folder);
    expect(made).toHaveLength(32);
    expect(readFileSync(join(folder, 'token.key'), 'utf8')).toBe(made.toString('hex'));
  }
});

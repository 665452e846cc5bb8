import { userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { dataFolder } from './data-folder.ts';

afterEach(() => vi.unstubAllEnvs());

describe('the data folder', () => {
  it.each([
    ['the one that was asked for', '/asked', '/asked'],
    ['else the variable', undefined, '/named'],
  ])('is %s', (_, option, expected) => {
    vi.stubEnv('MINIFAL_DATA', '/named');
    expect(dataFolder(option)).toBe(expected);
  });

  it.each(['', undefined])("is below the user's home where HOME is %j, never below the current folder", (home) => {
    vi.stubEnv('MINIFAL_DATA', undefined);
    vi.stubEnv('HOME', home);
    expect(dataFolder(undefined)).toBe(join(userInfo().homedir, '.minifal'));
  });
});

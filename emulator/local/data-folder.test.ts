import { userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { dataFolder, isAlive, processStart } from './data-folder.ts';

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

describe('a process that a file names', () => {
  const own = { pid: process.pid, processStart: processStart(process.pid) };
  const later = { pid: process.pid, processStart: '1' };

  it('is alive as long as it is the same process', () => {
    expect(isAlive(own)).toBe(true);
    // Where there is no /proc, one process looks like another.
    expect(isAlive(later)).toBe(own.processStart === '');
  });

  it("is another one if another user's process has got its id", () => {
    vi.spyOn(process, 'kill').mockImplementation(() => {
      throw Object.assign(new Error('not permitted'), { code: 'EPERM' });
    });
    expect(isAlive(own)).toBe(true);
    expect(isAlive(later)).toBe(own.processStart === '');
    expect(isAlive({ pid: 2 ** 22 + 1, processStart: '1' })).toBe(true);
  });
});

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

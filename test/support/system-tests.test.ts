import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { endToEndTests, systemTests } from './system-tests.ts';

function printed(which: 'unit' | 'e2e'): readonly string[] {
  const program = join(import.meta.dirname, 'system-tests.ts');
  return execFileSync(process.execPath, [program, which], { encoding: 'utf8' }).trim().split('\n');
}

describe('the unit tests that an ordinary user runs again', () => {
  it.each([
    ['starts a process', { 'a/x.test.ts': "import { spawn } from 'node:child_process';" }],
    [
      'starts one through another file',
      {
        'a/x.test.ts': "import { y } from './testing/y.ts';",
        'a/testing/y.ts': "export * from '../../b/z.ts';",
        'b/z.ts': "const { spawn } = await import('node:child_process');",
      },
    ],
    ['is about permissions', { 'a/x.test.ts': 'chmodSync(file, 0o000);' }],
    ['has a helper for them', { 'a/x.test.ts': "import './testing/y.ts';", 'a/testing/y.ts': 'process.getuid?.()' }],
  ])('have one that %s', (_, sources) => {
    expect(systemTests(new Map(Object.entries(sources)))).toEqual(['a/x.test.ts']);
  });

  it('have none that only imports a type, or uses files that are private', () => {
    const sources = {
      'a/x.test.ts': "import type { Y } from './y.ts'; import { z } from './z.ts';",
      'a/y.ts': "import { spawn } from 'node:child_process';",
      'a/z.ts': 'chmodSync(file, 0o600);',
    };
    expect(systemTests(new Map(Object.entries(sources)))).toEqual([]);
  });

  it('have none of edits, which are long, and compute', () => {
    const sources = { 'emulator/reload/loader/x.test.ts': "import { spawn } from 'node:child_process';" };
    expect(systemTests(new Map(Object.entries(sources)))).toEqual([]);
  });

  it('are those of engines and builds, and not those of the scheduler', () => {
    const files = printed('unit');
    expect(files).toEqual(
      expect.arrayContaining([
        'emulator/engines/process/landlock.test.ts',
        'emulator/engines/process/root.test.ts',
        'emulator/builds/virtualenv/builder.test.ts',
        'emulator/cli/data-folder.test.ts',
      ]),
    );
    expect(files.filter((file) => file.startsWith('emulator/scheduler/'))).toEqual([]);
  });
});

describe('the end-to-end tests that an ordinary user runs again', () => {
  it('are those of the machine, and not those of the protocols', () => {
    const files = printed('e2e');
    expect(files).toEqual(expect.arrayContaining(['test/e2e/other-users.test.ts', 'test/e2e/restricted.test.ts']));
    expect(files).not.toContain('test/e2e/gateway.test.ts');
  });

  it('name a file of the list that is gone', () => {
    expect(() => endToEndTests(['test/e2e/new.test.ts'])).toThrow('There is no test/e2e/bad-input.test.ts,');
  });
});

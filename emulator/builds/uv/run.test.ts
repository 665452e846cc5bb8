import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lastOutput, runUv } from './run.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'minifal-install-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a shell script instead of uv. */
async function run(script: string, mask = (text: string) => text) {
  const uv = join(folder, 'uv');
  writeFileSync(uv, `#!/bin/sh\n${script}\n`);
  chmodSync(uv, 0o755);
  const lines: string[] = [];
  const exit = await runUv({ uv, args: [], env: { PATH: '/usr/bin:/bin' }, mask, line: (text) => lines.push(text) });
  return { exit, lines };
}

describe('running uv', () => {
  it('tries cached packages alone when the index can not be reached', async () => {
    const { exit, lines } = await run(
      '[ "$UV_OFFLINE" ] && echo done || { echo "error sending request for url (x)"; exit 1; }',
    );
    expect(exit).toEqual({ code: 0, output: ['done'] });
    expect(lines).toEqual([
      'error sending request for url (x)',
      "The package index can't be reached; trying with cached packages only.",
      'done',
    ]);
  });

  it('reports the first failure when the cache does not help', async () => {
    const { exit } = await run('[ "$UV_OFFLINE" ] && echo "not cached" || echo "dns error"; exit 1');
    expect(exit).toEqual({ code: 1, output: ['dns error'] });
  });

  it('does not try again when the index answered', async () => {
    const { exit, lines } = await run('echo "error: no such package"; exit 1');
    expect([exit.code, lines]).toEqual([1, ['error: no such package']]);
  });

  it('masks secrets in streamed output and in the result', async () => {
    const { exit, lines } = await run('echo "token planted here"; echo "https://a:b@host/x" >&2', (text) =>
      text.replaceAll('planted', '***'),
    );
    expect([...exit.output].sort()).toEqual(['https://********@host/x', 'token *** here']);
    expect([...lines].sort()).toEqual([...exit.output].sort());
  });

  it('reports that uv could not be started', async () => {
    const exit = await runUv({ uv: join(folder, 'none'), args: [], env: {}, mask: (text) => text, line: () => {} });
    expect(exit.code).toBeNull();
    expect(lastOutput(exit)).toContain('could not be started');
  });
});

describe('the last lines of a tool', () => {
  it('begin at its error, without earlier output', () => {
    const output = [
      'Using Python 3.11.7 environment at: /somewhere',
      'error: No solution found',
      '  cause: Because ...',
    ];
    expect(lastOutput({ code: 1, output })).toBe('error: No solution found\n  cause: Because ...');
  });

  it('are short enough for a gRPC status', () => {
    expect(lastOutput({ code: 1, output: [`error: ${'x'.repeat(9000)}`, 'the end'] })).toMatch(
      /^error: x+ … x+\nthe end$/,
    );
    expect(lastOutput({ code: 1, output: [`error: ${'x'.repeat(9000)}`] }).length).toBeLessThan(2100);
  });
});

import { join } from 'node:path';
import { expect } from 'vitest';
import { run } from '../../../../test/support/process.ts';
import { pythonTools } from '../../../../test/support/python.ts';

/** Runs a program of this folder with the SDK; the lines that it printed. */
export async function rowsOf<Row>(program: string, ...args: readonly string[]): Promise<readonly Row[]> {
  const { python, env } = await pythonTools();
  const file = join(import.meta.dirname, program);
  const done = await run(python, ['-W', 'ignore', file, ...args], { env: env(process.env), timeoutMs: 30_000_000 });
  expect(done.stderr).toBe('');
  return done.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

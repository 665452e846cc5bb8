import { execFile } from 'node:child_process';
import { mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
// @ts-expect-error: plain JavaScript without types
import { vitest as runSuite } from '../../scripts/vitest-step.mjs';
import { root } from '../support/root.ts';

it('runs files with failures once more, and reports what passed only then', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'minifal-step-'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  const file = (name: string, text: string) => writeFileSync(join(folder, name), text);
  file('vitest.config.ts', 'export default { test: { include: ["*.test.ts"], fileParallelism: false } };');
  const head = 'import { existsSync, writeFileSync } from "node:fs"; import { expect, it } from "vitest";\n';
  file('steady.test.ts', `${head}it("holds", () => {}); it.skip("later", () => {});`);
  file(
    'early.test.ts',
    `${head}const seen = existsSync("seen"); writeFileSync("seen", "");
    it("is early", () => expect(seen).toBe(true));`,
  );
  file('wrong.test.ts', `${head}it("is right", () => {}); it("is wrong", () => expect(1).toBe(2));`);
  file('unloadable.test.ts', 'import "./nothing.ts";');
  const runs: (readonly string[])[] = [];
  const run = async (command: string, args: readonly string[]) => {
    runs.push(args.filter((arg) => arg.endsWith('.test.ts')));
    const done = promisify(execFile)(command, args, { cwd: folder });
    return done.then(
      ({ stdout }) => ({ code: 0, output: stdout }),
      (error) => ({ code: error.code, output: error.stdout }),
    );
  };
  const result = await runSuite(process.execPath, 'vitest.config.ts', { folder, run });
  expect(result).toMatchObject({ code: 1, passed: 3, failed: 2, skipped: 1 });
  expect(result.failures.map(({ title }: { title: string }) => title).sort()).toEqual([
    'unloadable.test.ts',
    'wrong.test.ts > is wrong',
  ]);
  expect(result.recovered).toEqual([
    { title: 'early.test.ts > is early', message: expect.stringContaining('expected false to be true') },
  ]);
  expect(runs.map((names) => [...names].sort())).toEqual([
    [],
    ['early.test.ts', 'unloadable.test.ts', 'wrong.test.ts'],
  ]);
});

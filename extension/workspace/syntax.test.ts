import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { execProgram } from '../process/node.ts';
import { createSyntaxCheck } from './syntax.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'minifal-syntax-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const check = (python: string | undefined) =>
  createSyntaxCheck({ python: async () => python, exec: execProgram, env: () => process.env });

it("gives Python's own sentence and line for files that it cannot parse", async () => {
  const texts = {
    'open.py': 'import fal\nx = (\n',
    'fine.py': 'def each():\n    for x in *a, b:\n        yield\n',
    'null.py': 'x = "\0"\n',
    'indent.py': 'import fal\n  x = 1\n',
  };
  for (const [name, text] of Object.entries(texts)) await writeFile(join(folder, name), text);
  const paths = [...Object.keys(texts), 'gone.py'].map((name) => join(folder, name));
  const broken = await check('python3')(paths);
  const found = new Map(
    [...(broken ?? [])].map(([path, { line, why }]) => [path.slice(folder.length + 1), [line, why]]),
  );
  expect([...found.keys()].toSorted()).toEqual(['indent.py', 'null.py', 'open.py']);
  expect(found.get('open.py')).toEqual([1, "'(' was never closed"]);
  expect(found.get('indent.py')).toEqual([1, 'unexpected indent']);
});

it.each([undefined, '/no/such/python'])('knows nothing without a Python (%s)', async (python) => {
  expect(await check(python)([join(folder, 'open.py')])).toBeUndefined();
});

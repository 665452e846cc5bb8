import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { compiledSources } from './bytecode.ts';

it('finds what an app compiled, and reads no more names than the limit', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'minifal-bytecode-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const name of ['one', 'one/two', 'three']) mkdirSync(join(folder, name, '__pycache__'), { recursive: true });
  for (const name of ['one/__pycache__/a', 'one/two/__pycache__/b', 'three/c'])
    writeFileSync(join(folder, `${name}.cpython-311.pyc`), '');
  const found = await compiledSources(folder, 1_000);
  expect([...found].sort()).toEqual([join(folder, 'one/a.py'), join(folder, 'one/two/b.py')]);

  for (let n = 0; n < 200; n++) writeFileSync(join(folder, 'one', '__pycache__', `m${n}.cpython-311.pyc`), '');
  expect((await compiledSources(folder, 1_000)).length).toBe(202);
  expect((await compiledSources(folder, 100)).length).toBeLessThanOrEqual(100);
});

import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { watch } from '../../testing/watch.ts';
import { createProcessEngine } from '../process-engine.ts';
import { plainPython, runnerSources, specFor, type WorkFolder, workFolder } from '../testing/runners.ts';
import { compileCacheOf, trimCompileCaches, useCompileCache } from './compile-caches.ts';

const mib = 1024 ** 2;
const nobody = () => false;

let work: WorkFolder;
beforeEach(() => {
  work = workFolder();
});
afterEach(() => work.remove());

/** A cache of one MiB, used at this time. */
function cache(id: string, at: number): string {
  const folder = compileCacheOf(work.root, id);
  mkdirSync(join(folder, 'triton'), { recursive: true });
  writeFileSync(join(folder, 'triton', 'kernel'), Buffer.alloc(mib, 1));
  useCompileCache(work.root, id, at);
  return folder;
}
const left = () => readdirSync(join(work.root, 'compile-caches')).sort();

it('the most recently used compile caches are kept, up to the size limit', async () => {
  for (const [at, id] of ['a', 'b', 'c', 'd'].entries()) cache(id, at * 1000);
  useCompileCache(work.root, 'a', 9000);
  const freed = await trimCompileCaches(work.root, nobody, { maxBytes: 2.5 * mib });
  expect(left()).toEqual(['a', 'd']);
  expect(freed).toBeGreaterThanOrEqual(2 * mib);
  expect(await trimCompileCaches(work.root, nobody, { maxBytes: 2.5 * mib })).toBe(0);
  expect(await trimCompileCaches(join(work.root, 'nowhere'), nobody)).toBe(0);
});

it('a cache that a runner uses is kept, however large, and however old', async () => {
  cache('old', 0);
  cache('new', 1000);
  await trimCompileCaches(work.root, (id) => id === 'old', { maxBytes: 0 });
  expect(left()).toEqual(['old']);
});

it('files that an app hides below the longest possible path are counted and removed', async () => {
  const deep = cache('deep', 0);
  const dig =
    'import os\nfor _ in range(30): os.mkdir("d" * 200); os.chdir("d" * 200)\nopen("f","wb").write(bytes(5<<20))';
  execFileSync('python3', ['-c', dig], { cwd: deep });
  expect(await trimCompileCaches(work.root, nobody, { maxBytes: 5 * mib })).toBeGreaterThan(6 * mib - 1);
  expect(left()).toEqual([]);
});

it('caches that an emulator was removing when it ended are removed by the next one', async () => {
  cache('.removed-one', 0);
  cache('kept', 0);
  await trimCompileCaches(work.root, nobody);
  expect(left()).toEqual(['kept']);
});

it.runIf(process.platform === 'linux')('a start keeps the cache of a runner that starts meanwhile', async () => {
  const { id } = plainPython;
  cache(id, 0);
  cache('other', 1000);
  const engine = createProcessEngine({ dataDir: work.root, runnerSources, isolation: 'disk', maxCompiledBytes: 0 });
  const text = 'import os\ndef main(): print(os.listdir(os.environ["TRITON_CACHE_DIR"]), flush=True); input()';
  const runner = watch(engine, specFor(work, text));
  expect((await runner.line(/^\[/)).text).toBe("['kernel']");
  await expect.poll(left).toEqual([id]);
  await engine.close();
});

import { createHook } from 'node:async_hooks';
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { watch } from '../../testing/watch.ts';
import { createProcessEngine } from '../process-engine.ts';
import { until } from '../testing/processes.ts';
import { runnerSources, specFor, type WorkFolder, workFolder } from '../testing/runners.ts';
import { removeFolder } from './removal.ts';

let work: WorkFolder;
beforeEach(() => {
  work = workFolder();
});
afterEach(() => work.remove());

function leftover(name: string): string {
  const folder = join(work.root, 'runners', name);
  mkdirSync(join(folder, 'app', 'deep'), { recursive: true });
  writeFileSync(join(folder, 'app', 'deep', 'file'), 'x');
  return folder;
}

describe("a runner's folder", () => {
  it('is removed even if the app removed its permissions', async () => {
    const folder = leftover('one');
    chmodSync(join(folder, 'app', 'deep'), 0);
    chmodSync(join(folder, 'app'), 0o500);
    await removeFolder(folder);
    expect(existsSync(folder)).toBe(false);
  });

  it('is removed even if its contents are too deep for any path', async () => {
    const folder = leftover('two');
    const digs = 'import os, sys\nos.chdir(sys.argv[1])\nfor _ in range(220): os.mkdir("x" * 20); os.chdir("x" * 20)';
    execFileSync('python3', ['-c', digs, folder]);
    await removeFolder(folder);
    expect(existsSync(folder)).toBe(false);
  });

  it('with very many files is removed without much work in our process', async () => {
    const folder = leftover('three');
    const many = 'import os, sys\nos.chdir(sys.argv[1])\nfor n in range(20_000): os.mknod(str(n))';
    execFileSync('python3', ['-c', many, join(folder, 'app', 'deep')]);
    let operations = 0;
    const counted = createHook({
      init(_id, type) {
        if (type.startsWith('FSREQ')) operations += 1;
      },
    }).enable();
    await removeFolder(folder);
    counted.disable();
    expect(existsSync(folder)).toBe(false);
    expect(operations).toBeGreaterThan(0);
    expect(operations).toBeLessThan(2_000);
  });

  it('of a killed emulator is removed when the next one starts, and those of new runners are kept', async () => {
    for (const name of ['a', 'b', 'c']) leftover(name);
    const engine = createProcessEngine({ dataDir: work.root, runnerSources });
    const runner = watch(engine, specFor(work, 'import time\ndef main(): print("up", flush=True); time.sleep(1000)'));
    await runner.line(/^up$/);
    const names = () => readdirSync(join(work.root, 'runners')).sort();
    await until(() => names().length === 2);
    expect(names()).toEqual(['.probe', runner.handle.runnerId]);
    await engine.close();
  });
});

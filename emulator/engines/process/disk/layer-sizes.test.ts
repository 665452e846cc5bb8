import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type WorkFolder, workFolder } from '../testing/runners.ts';
import { createLayerSizes, type LayerLimits } from './layer-sizes.ts';
import { removeFolder } from './removal.ts';

let work: WorkFolder;
beforeEach(() => {
  work = workFolder();
});
afterEach(() => work.remove());

const mib = 1024 ** 2;
const tiny: LayerLimits = { max: 4 * mib, spare: 0, large: mib, step: 0 };

function layers(limits: LayerLimits) {
  const sizes = createLayerSizes(work.root, vi.fn(), limits);
  const problems: string[][] = [];
  const add = (name: string, bytes: number) => {
    mkdirSync(join(work.root, name, 'up', 'deep'), { recursive: true });
    writeFileSync(join(work.root, name, 'up', 'deep', 'file'), Buffer.alloc(bytes, 1));
    return sizes.watch(join(work.root, name), (sentence) => problems.push([name, sentence]));
  };
  return { sizes, problems, add };
}

it('ends a runner whose disk holds too much, once, and no other runner', async () => {
  const { sizes, problems, add } = layers(tiny);
  add('small', mib);
  add('large', 5 * mib);
  await sizes.look();
  await sizes.look();
  expect(problems).toEqual([['large', expect.stringMatching(/^its own disk held more than 0 GiB\. .*\/data\.$/)]]);
  sizes.close();
});

it('ends a runner with a large disk earlier when the machine has hardly any space left', async () => {
  const { sizes, problems, add } = layers({ ...tiny, spare: Number.MAX_SAFE_INTEGER });
  add('small', mib / 2);
  add('large', 2 * mib);
  await sizes.look();
  expect(problems).toEqual([['large', expect.stringMatching(/^this machine's disk had less than /)]]);
  sizes.close();
});

it('counts files that are too deep for any path', async () => {
  const { sizes, problems, add } = layers(tiny);
  add('deep', 0);
  // Thirty folders with names of 200 characters: Linux takes paths of 4096.
  const dig =
    'import os\nfor _ in range(30): os.mkdir("d" * 200); os.chdir("d" * 200)\nopen("f", "wb").write(bytes(5 << 20))';
  execFileSync('python3', ['-c', dig], { cwd: join(work.root, 'deep') });
  await sizes.look();
  expect(problems).toEqual([['deep', expect.stringMatching(/^its own disk held more than /)]]);
  sizes.close();
  await removeFolder(join(work.root, 'deep'));
});

it('measures nothing while the disk has lost no space, and nothing that is no longer watched', async () => {
  const { sizes, problems, add } = layers({ ...tiny, step: Number.MAX_SAFE_INTEGER });
  add('first', mib);
  await sizes.look();
  writeFileSync(join(work.root, 'first', 'more'), Buffer.alloc(8 * mib, 1));
  await sizes.look();
  add('second', 5 * mib)();
  await sizes.look();
  expect(problems).toEqual([]);
  sizes.close();
});

import { rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { until } from '../../test/support/wait.ts';
import { createFileChanges } from './file-changes.ts';

let folder: string;
let changed: string[];
let changes: ReturnType<typeof createFileChanges>;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'minifal-changes-'));
  changed = [];
  changes = createFileChanges((file) => changed.push(file));
});
afterEach(async () => {
  changes.close();
  await rm(folder, { recursive: true });
});

function file(name: string): string {
  const path = join(folder, name);
  writeFileSync(path, 'before');
  return path;
}

it('reports a change and a removal of the files that it watches, and of no other', async () => {
  const [left, watched] = [file('left.py'), file('watched.py')];
  changes.watch([left, watched]);
  changes.watch([watched]);
  // At once: before the first look at them.
  for (const path of [left, watched]) writeFileSync(path, 'afterwards');
  await until('it is reported', () => changed.length > 0);
  changed.length = 0;
  rmSync(watched);
  await until('its removal is reported', () => changed.length > 0);
  expect(new Set(changed)).toEqual(new Set([watched]));
});

it('watches nothing after its end', async () => {
  const [ended, watched] = [file('ended.py'), file('watched.py')];
  changes.watch([ended]);
  changes.close();
  changes.watch([watched]);
  for (const path of [ended, watched]) writeFileSync(path, 'afterwards');
  await until('a change is reported', () => changed.length > 0);
  expect(new Set(changed)).toEqual(new Set([watched]));
});

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { codeHash, createStartedCode } from './started-code.ts';

function memory() {
  const stored = new Map<string, unknown>();
  return {
    keys: () => [...stored.keys()],
    get: (name: string) => stored.get(name) as never,
    update: async (name: string, value: unknown) => void stored.set(name, JSON.parse(JSON.stringify(value))),
  };
}

it('knows the code of what is served, also in a reloaded window, until another revision is', () => {
  const memento = memory();
  let changes = 0;
  const started = createStartedCode(memento, () => void changes++);
  started.note({ alias: 'painter', revision: 'r1' }, 'abc');
  started.note({ alias: 'other', revision: 'r1' }, undefined);
  for (const one of [started, createStartedCode(memento, () => {})]) {
    expect(one.of({ alias: 'painter', revision: 'r1' })).toBe('abc');
    expect(one.of({ alias: 'painter', revision: 'r2' })).toBeUndefined();
    expect(one.of({ alias: 'other', revision: 'r1' })).toBeUndefined();
  }
  started.note({ alias: 'painter', revision: 'r2' }, 'def');
  expect(started.of({ alias: 'painter', revision: 'r1' })).toBeUndefined();
  expect([started.of({ alias: 'painter', revision: 'r2' }), changes]).toEqual(['def', 3]);
});

it('keeps a bounded number of notes, and begins without any after foreign data', async () => {
  const memento = memory();
  await memento.update('startedCode', 'not a list');
  const started = createStartedCode(memento, () => {});
  for (let run = 0; run < 300; run++) started.note({ alias: `run${run}`, revision: 'r' }, 'h');
  expect((memento.get('startedCode') as readonly unknown[]).length).toBe(200);
  expect(started.of({ alias: 'run0', revision: 'r' })).toBeUndefined();
  expect(started.of({ alias: 'run299', revision: 'r' })).toBe('h');
});

it('compares contents: a file that was only touched is the same, and one that is gone has no hash', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'minifal-code-'));
  try {
    const file = join(folder, 'app.py');
    await writeFile(file, 'x = 1\n');
    const before = await codeHash(file);
    await writeFile(file, 'x = 1\n');
    expect(await codeHash(file)).toBe(before);
    await writeFile(file, 'x = 2\n');
    expect(await codeHash(file)).not.toBe(before);
    expect(await codeHash(join(folder, 'gone.py'))).toBeUndefined();
  } finally {
    await rm(folder, { recursive: true });
  }
});

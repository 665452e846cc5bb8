import { utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { testFolder } from '../store/testing/folder.ts';
import { lastWrite, noteLife } from './last-write.ts';

it('is the newest time of the databases and of what is not in them yet', () => {
  const folder = testFolder();
  expect(lastWrite(folder)).toBeUndefined();
  for (const [name, seconds] of [
    ['minifal.db', 100],
    ['history.db-wal', 300],
    ['logs.db', 200],
    ['emulator.json', 900],
  ] as const) {
    writeFileSync(join(folder, name), '');
    utimesSync(join(folder, name), seconds, seconds);
  }
  expect(lastWrite(folder)).toBe(300_000);
});

it('is when an idle emulator was last known to be alive', () => {
  const folder = testFolder();
  noteLife(folder, 400_000);
  expect(lastWrite(folder)).toBeUndefined();
  writeFileSync(join(folder, 'minifal.db'), '');
  noteLife(folder, 400_000);
  expect(lastWrite(folder)).toBe(400_000);
});

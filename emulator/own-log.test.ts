import { mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createOwnLog } from './own-log.ts';
import { testFolder } from './store/test-folder.ts';

it('a line that the disk did not take is written with the next one it takes', () => {
  const file = join(testFolder(), 'emulator.log');
  // A folder in its place: nothing can be appended.
  mkdirSync(file);
  const log = createOwnLog(
    file,
    () => 0,
    (text) => text.replaceAll('hidden', '***'),
  );
  log.info('disk', 'begins, hidden');
  rmdirSync(file);
  log.info('disk', 'ends');
  log.info('disk', 'later');
  const words = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).msg);
  expect(words).toEqual(['begins, ***', 'ends', 'later']);
});

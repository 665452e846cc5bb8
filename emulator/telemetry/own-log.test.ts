import { mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { testFolder } from '../store/testing/folder.ts';
import { createOwnLog } from './own-log.ts';

it('a line that the disk did not take is written with the next one it takes', () => {
  const file = join(testFolder(), 'emulator.log');
  // A folder at its path: nothing can be appended.
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

describe('a bug', () => {
  const logOf = (mask = (text: string) => text) => {
    const file = join(testFolder(), 'emulator.log');
    const lines = () =>
      readFileSync(file, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
    return { log: createOwnLog(file, () => 0, mask), lines };
  };

  it('that occurs again and again is logged less and less often', () => {
    const { log, lines } = logOf();
    const bug = new Error('again');
    for (let n = 0; n < 150; n++) log.report(bug);
    log.report(new Error('another'));
    expect(lines().map(({ msg, times }) => [msg, times])).toEqual([
      ['again', undefined],
      ['again', 10],
      ['again', 100],
      ['another', undefined],
    ]);
  });

  it.each([
    ['nothing', undefined],
    ['what has no words', Object.create(null)],
    [
      'an error that throws when it is read',
      Object.defineProperty(new Error(), 'message', {
        get() {
          throw new Error('no');
        },
      }),
    ],
  ])('may be %s', (_name, thrown) => {
    const { log, lines } = logOf();
    log.report(thrown);
    expect(lines()).toMatchObject([{ level: 'error' }]);
  });

  it('is logged without its message when the message cannot be masked', () => {
    const { log, lines } = logOf(() => {
      throw new Error('sealed');
    });
    log.report(new Error('a secret'));
    expect(JSON.stringify(lines())).not.toContain('a secret');
  });
});

import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UserError } from '../wire/errors.ts';
import { checkShares, shareNotes } from './shares.ts';

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'minifal-shares-'));
  for (const name of ['.minifal/runners', 'models', '.minifal-models'])
    mkdirSync(join(home, name), { recursive: true });
  symlinkSync(home, join(home, 'models', 'link'));
});
afterAll(() => rmSync(home, { recursive: true }));

const check = (path: string) => checkShares([{ path, writable: false }], join(home, '.minifal'));

it.each(['', '.minifal', '.minifal/runners', 'models/link'])('refuses ~/%s, which shares the data folder', (path) => {
  expect(() => check(join(home, path))).toThrow(UserError);
});

it('refuses the whole machine', () => {
  expect(() => check('/')).toThrow(/overlaps with minifal's data folder/);
});

it.each(['models', '.minifal-models'])('accepts ~/%s', (path) => {
  expect(() => check(join(home, path))).not.toThrow();
});

describe('notes of a start', () => {
  const usual = { isolation: 'full', missing: [], folders: [], huggingFace: undefined, cache: undefined } as const;
  const folders = [{ path: '/models', writable: true }];
  const missing = [{ part: 'disk', why: 'not permitted' }] as const;

  it.each([
    ['nothing where nothing is shared', {}, []],
    ['nothing where all has effect', { folders, huggingFace: 'read' }, []],
    ['that the own models are not seen', { cache: '/hf' }, [/^apps don't see your Hugging Face cache \(\/hf\)/]],
    ['nothing of them where that was decided', { cache: '/hf', huggingFace: 'off' }, []],
    ['nothing of them where apps have no disk of their own', { cache: '/hf', missing }, []],
    ['what has no effect without such a disk', { folders, missing }, [/^--share .* without a disk of their own/]],
    [
      'what has no effect with off, and that installs stay',
      { isolation: 'off', folders, huggingFace: 'write' },
      [
        /^with --isolation off, what an app installs .* stays/,
        /^--share has no effect with --isolation off/,
        /^--hugging-face write has no effect with --isolation off/,
      ],
    ],
  ] as const)('say %s', (_what, start, sentences) => {
    expect(shareNotes({ ...usual, ...start })).toEqual(sentences.map((words) => expect.stringMatching(words)));
  });
});

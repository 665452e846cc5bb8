import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../support/root.ts';
import { texts } from '../support/texts.ts';

/**
 * Words that read oddly in technical English, and what to write instead. Only words without another use in this
 * repository: "say", "stand" and "lie" have one, so they are left to reviews.
 */
const instead: { readonly [words: string]: string } = {
  'tell|tells|told|telling|retold|untold': 'report, notify, print, send',
  'complain|complains|complained|complaint|complaints': 'warn, warning, problem',
  'deed|deeds': 'action, effect',
  'wish|wishes': 'option, request',
  'vain|anew|whoever': 'failed, again, anyone who',
  'mend|mends|mended|mending': 'repair, fix',
  beside: 'next to',
  'for ever': 'forever',
  'goes on|going on': 'continues',
  'daily business': 'routine',
  'last words': 'last output',
  'in force': 'active',
};

/** Uses that must stay. */
const kept: readonly { readonly word: string; readonly files: RegExp; readonly why: string }[] = [
  { word: 'wishes', files: /^emulator\/queue\//, why: 'the name of a field in records that are stored on disk' },
  { word: 'beside', files: /^extension\/call\//, why: 'a name of the editor: `ViewColumn.Beside`' },
];

const judged = texts.filter(
  (file) =>
    !/\.json$|\/generated\/|^test\/conformance\/fal-|^test\/unit\/old-folders\//.test(file) &&
    file !== 'test/unit/words.test.ts',
);

const odd = new RegExp(`\\b(${Object.keys(instead).join('|')})\\b`, 'i');

/** The odd word in a line: also as a part of a name, as in `tellGone` and `TOLD_AT`. */
function oddWord(line: string): string | undefined {
  return odd.exec(line.replace(/(?<=[a-z0-9])(?=[A-Z])|_/g, ' '))?.[0].toLowerCase();
}

function oddLines(file: string): readonly string[] {
  const lines = readFileSync(join(root, file), 'utf8').split('\n');
  return lines.flatMap((line, index) => {
    const found = oddWord(line);
    const isKept = kept.some(({ word, files }) => word === found && files.test(file));
    return found === undefined || isKept ? [] : [`${file}:${index + 1}: ${found}`];
  });
}

describe('the words of this repository', () => {
  it('are plain in names, comments, strings and pages', () => {
    expect(judged.length).toBeGreaterThan(500);
    expect(judged.flatMap(oddLines)).toEqual([]);
  });

  it.each([
    ['const tellGone = 1;', 'tell'],
    ['TOLD_AT = 3', 'told'],
    ['// It goes on for ever.', 'goes on'],
    ['Set Aside', undefined],
    ['besides intelligent, wished, storytelling', undefined],
  ])('are judged one by one: %j', (line, word) => {
    expect(oddWord(line)).toBe(word);
  });
});

import { expect, it } from 'vitest';
import type { Texts } from '../host.ts';
import { maxHeld } from './held.ts';
import { countText, newsText } from './status-text.ts';

const texts = {
  ...{ searching: 'searching', oneLine: '1 line', lineCount: '{0} lines', missed: 'older ones are gone' },
  ...{ toEnd: 'To the end', oneNewLine: '1 new line', newLines: '{0} new lines' },
} as Texts;

it.each([
  ['while it searches', { rows: 5, isSearching: true, missed: true }, 'searching'],
  ['one row', { rows: 1, isSearching: false, missed: false }, '1 line'],
  ['no row', { rows: 0, isSearching: false, missed: false }, '0 lines'],
  ['rows after some that are gone', { rows: 7, isSearching: false, missed: true }, '7 lines · older ones are gone'],
  ['as many as it holds', { rows: maxHeld, isSearching: false, missed: false }, `${maxHeld.toLocaleString()}+ lines`],
])('counts: %s', (_title, state, expected) => {
  expect(countText(state, texts)).toBe(expected);
});

it('says how many rows are new', () => {
  expect([0, 1, 2].map((unseen) => newsText(unseen, texts))).toEqual(['To the end', '1 new line', '2 new lines']);
});

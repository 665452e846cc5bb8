import { expect, it } from 'vitest';
import { isFollowed } from './following.ts';

it.each([
  ['follows at the end', false, { top: 500, left: 0 }, true],
  ['follows although the pane became smaller', true, { top: 500, left: 33 }, true],
  ['follows although lines were added', true, { top: 510, left: 180 }, true],
  ['does not follow after a move up', true, { top: 480, left: 20 }, false],
  ['does not follow after a move down that does not reach the end', false, { top: 520, left: 20 }, false],
])('%s', (_title, was, now, expected) => {
  expect(isFollowed({ isFollowed: was, top: 500 }, now)).toBe(expected);
});

import { expect, it } from 'vitest';
import { aliasName } from './alias-name.ts';

const run = 'dfeb630e-dfe7-42b6-a6de-a13d6acf33d8';

it.each([
  ['painter', undefined, 'painter'],
  [run, undefined, 'fal run'],
  [run, null, 'fal run'],
  [run, ' ', 'fal run'],
  [run, 'painter', 'painter (run)'],
  [run, '\u202epainter', '\\u202epainter (run)'],
])('people know the app %j of the name %j as %j', (alias, appName, name) => {
  expect(aliasName(alias, appName)).toBe(name);
});

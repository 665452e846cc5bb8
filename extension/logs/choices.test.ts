import { expect, it } from 'vitest';
import { appRow, liveWith, runnerRow } from '../target/testing/live.ts';
import { namesIn } from '../views/app-names.ts';
import { choicesOf } from './choices.ts';

const uuid = (sign: string) => `${sign.repeat(8)}-cccc-4c43-9d4e-5b6f0f7f1a11`;
const labels = (choices: readonly { readonly label: string }[]) => choices.map(({ label }) => label);

it('keeps apart apps that have one name: two runs of one app', () => {
  const run = appRow({ kind: 'run', appName: 'painter' });
  const live = liveWith({
    apps: [
      appRow({ alias: 'painter' }),
      { ...run, alias: uuid('1') },
      { ...run, alias: uuid('2') },
      { ...run, alias: uuid('3'), appName: 'other' },
      appRow({ alias: uuid('4') }),
    ],
    runners: [
      runnerRow({ id: 'a', alias: uuid('1'), startedAt: 3 }),
      runnerRow({ id: 'b', alias: uuid('3'), startedAt: 2 }),
      runnerRow({ id: 'c', alias: uuid('5'), appName: 'ended', startedAt: 1 }),
    ],
  });
  const { apps, runners } = choicesOf(live, { alias: null }, namesIn(live.apps, []));
  expect(labels(apps)).toEqual([
    'painter (run) 11111111',
    'painter (run) 22222222',
    'other (run)',
    // It is deployed, and was given no name.
    uuid('4'),
    'painter',
  ]);
  expect(labels(runners)).toEqual([
    'painter (run) 11111111 · runner 1',
    'other (run) · runner 1',
    'ended (run) · runner 1',
  ]);
  expect(labels(choicesOf(live, { alias: uuid('1') }, namesIn(live.apps, [])).runners)).toEqual(['runner 1']);
});

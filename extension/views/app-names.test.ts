import { expect, it } from 'vitest';
import { appRow } from '../target/testing/live.ts';
import { namesIn } from './app-names.ts';

const run = '11111111-cccc-4c43-9d4e-5b6f0f7f1a11';
const apps = new Map([
  ['studio', appRow({ alias: 'studio' })],
  ['other', appRow({ alias: 'other' })],
  [run, appRow({ alias: run, kind: 'run', appName: 'studio' })],
]);
const studio = { label: 'Studio', appName: 'studio', aliases: [] };

it('calls an app of the code what the code calls it, deployed or run, also after its end', () => {
  const nameOf = namesIn(apps, [studio]);
  expect(['studio', run, 'other'].map((alias) => nameOf(alias))).toEqual(['Studio', 'Studio (run)', 'other']);
  const ended = run.replaceAll('1', '2');
  expect([nameOf(ended, 'studio'), nameOf(ended, 'gone'), nameOf(ended)]).toEqual([
    'Studio (run)',
    'gone (run)',
    'fal run',
  ]);
});

it('finds the app of a run by its address, if several apps of the code have one name', () => {
  const copy = { label: 'copy/Studio', appName: 'studio', aliases: [run, undefined] };
  const nameOf = namesIn(apps, [studio, copy]);
  expect([nameOf('studio'), nameOf(run)]).toEqual(['Studio', 'copy/Studio (run)']);
});

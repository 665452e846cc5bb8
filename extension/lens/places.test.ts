import { expect, it } from 'vitest';
import type { ListedApp } from '../workspace/code/listed.ts';
import type { AppFacts } from './facts.ts';
import { changedIn, endpointOf, keysOf, placesOf, withChanges, withDeploy, withExpectedRun } from './places.ts';

const facts = (...aliases: readonly string[]) =>
  new Map(
    aliases.map((alias): [string, AppFacts] => [
      alias,
      {
        alias,
        isDeployed: !alias.includes('-run'),
        queued: 0,
        ready: 0,
        busy: 0,
        lastFailure: null,
        waitsBecause: null,
      },
    ]),
  );
const runs = (of: { readonly [key: string]: readonly (string | undefined)[] }) => ({
  aliasesOf: (key: string) => of[key] ?? [],
});
const entry = (name: string, appName: string): ListedApp => ({
  label: 'Model',
  name: 'Model',
  kind: 'app',
  appName,
  path: '/w/app.py',
  line: 1,
  entry: { name, appName, file: 'app.py', className: 'Model', resetsScale: false, line: 0, path: '/w/pyproject.toml' },
});
const model = { name: 'Model', appName: 'model' };
const names = (...given: Parameters<typeof placesOf>) =>
  placesOf(...given).map((place) => `${place.name} ${place.facts?.alias}`);

it('a class lives where this window runs it, and under its own name', () => {
  const running = runs({ '/w/app.py::Model': ['0f-run', undefined] });
  expect(names('/w/app.py', model, [], facts('model', '0f-run', 'other'), running)).toEqual([
    'run 0f-run',
    'run undefined',
    'model model',
  ]);
  expect(names('/w/app.py', model, [], facts('other'), runs({}))).toEqual([]);
});

it('a class that pyproject.toml names lives under the names of its entries alone', () => {
  const listed = [entry('img-prod', 'img-prod'), entry('img-dev', 'dev')];
  const running = runs({ '/w/pyproject.toml::img-dev': ['0f-run'], '/w/app.py::Model': ['no'] });
  expect(names('/w/app.py', model, listed, facts('model', 'dev', 'img-prod', '0f-run'), running)).toEqual([
    'run 0f-run',
    'img-prod img-prod',
    'dev dev',
  ]);
});

it('a deleted app is nowhere, though its last runners are still ending', () => {
  const ending = new Map([...facts('model')].map(([name, one]) => [name, { ...one, isDeployed: false }]));
  expect(names('/w/app.py', model, [], ending, runs({}))).toEqual([]);
});

it('a run that was requested takes the place of an earlier one at once', () => {
  const places = placesOf('/w/app.py', model, [], facts('model', '0f-run'), runs({ '/w/app.py::Model': ['0f-run'] }));
  expect(withExpectedRun(places, false)).toBe(places);
  const expected = withExpectedRun(places, true).map(({ name, facts }) => [name, facts?.alias]);
  expect(expected).toEqual([
    ['run', undefined],
    ['model', 'model'],
  ]);
  expect(keysOf('/w/app.py', model, [])).toEqual(['/w/app.py::Model']);
  expect(keysOf('/w/app.py', model, [entry('img-dev', 'dev')])).toEqual(['/w/pyproject.toml::img-dev']);
});

it('a deploy is a place until the emulator has the app', () => {
  expect(withDeploy([], false)).toEqual([]);
  expect(withDeploy([], true)).toEqual([{ name: 'deploy', facts: undefined, isDeploying: true }]);
  const places = placesOf('/w/app.py', model, [], facts('model'), { aliasesOf: () => [] });
  expect(withDeploy(places, true)).toBe(places);
});

it('an endpoint has figures of each place where it was called', () => {
  const slow = { calls: 2, failures: 0, p50Ms: 5, lastFailure: null };
  const place = (name: string, endpoints?: ReadonlyMap<string, typeof slow>) => ({
    name,
    facts: {
      alias: name,
      isDeployed: name !== 'run',
      queued: 0,
      ready: 0,
      busy: 0,
      lastFailure: null,
      waitsBecause: null,
      ...(endpoints && { endpoints }),
    },
  });
  const places = [place('run', new Map()), place('painter', new Map([['/slow', slow]]))];
  const called = { name: 'painter', figures: slow };
  expect(endpointOf(places, '/slow')).toEqual([called]);
  expect(endpointOf(places.slice(1), '/slow')).toEqual([{ name: '', figures: slow }]);
  const both = [place('run', new Map([['/slow', slow]])), ...places.slice(1)];
  expect(endpointOf(both, '/slow')).toEqual([{ name: 'run', figures: slow }, called]);
  expect(endpointOf(places, '/')).toMatchObject([{ name: '', figures: { calls: 0 } }]);
  expect(endpointOf(places, undefined)).toEqual([]);
  expect(endpointOf([place('run'), { name: 'run', facts: undefined }], '/')).toEqual([]);
});

it('answers with older code only where the code of its beginning is known, and is another one than that of now', () => {
  const known = new Map([...facts('0f-run', 'model')].map(([name, one]) => [name, { ...one, revision: 'r1' }]));
  const places = placesOf('/w/app.py', model, [], known, runs({ '/w/app.py::Model': ['0f-run', undefined] }));
  const changed = (hashes: { readonly [alias: string]: string }, now: string | undefined) =>
    changedIn(withChanges(places, ({ alias, revision }) => hashes[`${alias} ${revision}`], now));
  expect(changed({ '0f-run r1': 'old', 'model r1': 'new' }, 'new')).toEqual({ run: true, deployed: false });
  expect(changed({ '0f-run r1': 'new', 'model r1': 'old' }, 'new')).toEqual({ run: false, deployed: true });
  // Deployed from elsewhere, a file that can't be read, and an app that the emulator doesn't know.
  expect(changed({ 'model r0': 'old' }, 'new')).toEqual({ run: false, deployed: false });
  expect(changed({ '0f-run r1': 'old', 'model r1': 'old' }, undefined)).toEqual({ run: false, deployed: false });
  const unknown = placesOf('/w/app.py', model, [], facts('model'), runs({}));
  expect(changedIn(withChanges(unknown, () => 'old', 'new'))).toEqual({ run: false, deployed: false });
});

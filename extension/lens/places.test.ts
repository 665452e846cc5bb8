import { expect, it } from 'vitest';
import type { ListedApp } from '../workspace/code/listed.ts';
import type { AppFacts } from './facts.ts';
import { endpointOf, placesOf } from './places.ts';

const facts = (...aliases: readonly string[]) =>
  new Map(
    aliases.map((alias): [string, AppFacts] => [
      alias,
      { alias, queued: 0, ready: 0, busy: 0, lastFailure: null, waitsBecause: null },
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

it('an endpoint has the figures of the first place where it was called', () => {
  const slow = { calls: 2, failures: 0, p50Ms: 5, lastFailure: null };
  const place = (name: string, endpoints?: ReadonlyMap<string, typeof slow>) => ({
    name,
    facts: {
      alias: name,
      queued: 0,
      ready: 0,
      busy: 0,
      lastFailure: null,
      waitsBecause: null,
      ...(endpoints && { endpoints }),
    },
  });
  const places = [place('run', new Map()), place('painter', new Map([['/slow', slow]]))];
  expect(endpointOf(places, '/slow')).toBe(slow);
  expect(endpointOf(places, '/')).toMatchObject({ calls: 0 });
  expect(endpointOf(places, undefined)).toBeUndefined();
  expect(endpointOf([place('run'), { name: 'run', facts: undefined }], '/')).toBeUndefined();
});

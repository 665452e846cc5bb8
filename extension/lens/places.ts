import type { Served } from '../commands/started-code.ts';
import type { FoundApp } from '../workspace/code/apps.ts';
import { appKey, type ListedApp } from '../workspace/code/listed.ts';
import type { AppFacts, EndpointFacts } from './facts.ts';
import type { Changed } from './lenses.ts';
import type { Place } from './state-text.ts';

/** The runs of this window, by the key of the app that they run. */
export interface RunsOfApps {
  /** The aliases under which runs serve it; `undefined` for a run whose address isn't known yet. */
  aliasesOf(key: string): readonly (string | undefined)[];
}

/**
 * Where an app of a file lives on the emulator: the runs of this window, and the aliases under which it is deployed.
 * A class that entries of `pyproject.toml` name is deployed under theirs. Pure.
 */
export function placesOf(
  path: string,
  app: Pick<FoundApp, 'name' | 'appName'>,
  listed: readonly ListedApp[],
  facts: ReadonlyMap<string, AppFacts>,
  runs: RunsOfApps,
): readonly Place[] {
  const entries = listed.filter((one) => one.path === path && one.name === app.name && one.entry !== undefined);
  const all = entries.length > 0 ? entries : [{ path, name: app.name, appName: app.appName }];
  const running = all.flatMap((one) =>
    runs.aliasesOf(appKey(one)).map((alias) => ({
      name: 'run',
      isRun: true,
      file: path,
      facts: alias === undefined ? undefined : facts.get(alias),
    })),
  );
  const deployed = all.flatMap(({ appName }) => {
    const found = facts.get(appName);
    return found ? [{ name: appName, isRun: false, facts: found }] : [];
  });
  return [...running, ...deployed];
}

/**
 * The places with what is known about their code: `hashOf` is the file's hash when they began, `now` the present one.
 * Pure.
 */
export function withChanges(
  places: readonly Place[],
  hashOf: (served: Served) => string | undefined,
  now: string | undefined,
): readonly Place[] {
  return places.map((place) => {
    const { alias, revision } = place.facts ?? {};
    const before = alias !== undefined && revision !== undefined ? hashOf({ alias, revision }) : undefined;
    return before === undefined || now === undefined || before === now ? place : { ...place, isChanged: true };
  });
}

/** What of an app answers with older code: its run in this window, or a deployed app. Pure. */
export function changedIn(places: readonly Place[]): Changed {
  const changed = places.filter(({ isChanged }) => isChanged === true);
  return { run: changed.some(({ isRun }) => isRun === true), deployed: changed.some(({ isRun }) => isRun !== true) };
}

const noCalls: EndpointFacts = { calls: 0, failures: 0, p50Ms: null, lastFailure: null };

/** The figures of an endpoint in the first place where it was called; `undefined`: nothing counts them. Pure. */
export function endpointOf(places: readonly Place[], path: string | undefined): EndpointFacts | undefined {
  if (path === undefined) return undefined;
  const counted = places.flatMap(({ facts }) => (facts?.endpoints ? [facts.endpoints] : []));
  const called = counted.map((endpoints) => endpoints.get(path)).find((found) => found !== undefined);
  return called ?? (counted.length > 0 ? noCalls : undefined);
}

import type { Served } from '../commands/started-code.ts';
import type { FoundApp } from '../target/app-code.ts';
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
  const all = listedAs(path, app, listed);
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
    return found?.isDeployed ? [{ name: appName, isRun: false, facts: found }] : [];
  });
  return [...running, ...deployed];
}

/** The keys by which runs name an app of a file. Pure. */
export function keysOf(
  path: string,
  app: Pick<FoundApp, 'name' | 'appName'>,
  listed: readonly ListedApp[],
): readonly string[] {
  return listedAs(path, app, listed).map(appKey);
}

/** As an app of its own, or as the entries of `pyproject.toml` that name it. */
function listedAs(path: string, { name, appName }: Pick<FoundApp, 'name' | 'appName'>, listed: readonly ListedApp[]) {
  const entries = listed.filter((one) => one.path === path && one.name === name && one.entry !== undefined);
  return entries.length > 0 ? entries : [{ path, name, appName }];
}

/** The places when a run was requested, which takes the place of an earlier one. Pure. */
export function withExpectedRun(places: readonly Place[], isExpected: boolean): readonly Place[] {
  if (!isExpected) return places;
  return [{ name: 'run', isRun: true, facts: undefined }, ...places.filter(({ isRun }) => isRun !== true)];
}

/** The places while the app is deployed: at its first deploy, the emulator doesn't have it yet. Pure. */
export function withDeploy(places: readonly Place[], isDeploying: boolean): readonly Place[] {
  return isDeploying && places.length === 0 ? [{ name: 'deploy', facts: undefined, isDeploying }] : places;
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

/** The figures of an endpoint in one place. */
export interface EndpointPlace {
  /** In front of the figures where a class has several places; '': it has one. */
  readonly name: string;
  readonly figures: EndpointFacts;
}

/**
 * The figures of an endpoint in each place where it was called: those of a run and of a deployment are of different
 * code, so they aren't added. Empty: nothing counts them. Pure.
 */
export function endpointOf(places: readonly Place[], path: string | undefined): readonly EndpointPlace[] {
  if (path === undefined) return [];
  const counted = places.filter(({ facts }) => facts?.endpoints !== undefined);
  const called = counted.flatMap(({ name, facts }) => {
    const figures = facts?.endpoints?.get(path);
    return figures && figures.calls > 0 ? [{ name: places.length > 1 ? name : '', figures }] : [];
  });
  return called.length === 0 && counted.length > 0 ? [{ name: '', figures: noCalls }] : called;
}

import { byAlias } from '../target/by-alias.ts';
import { cause } from '../target/cause.ts';
import { type AppRow, type LiveState, type RunnerRow, sentenceOf } from '../target/live.ts';
import type { ReloadRow } from '../target/reload.ts';
import { errorName } from '../views/error-name.ts';
import { t } from '../words.ts';

/** The state of one alias, as far as lenses show it. */
export interface AppFacts {
  readonly alias: string;
  /** `false`: a `fal run`, or an app that was deleted, of which the last runners are ending. */
  readonly isDeployed: boolean;
  /** Absent: the emulator doesn't know the app, or has reloaded its code since, which the revision doesn't say. */
  readonly revision?: string;
  readonly queued: number;
  /** Of a run. */
  readonly scaling?: NonNullable<AppRow['scaling']>;
  /** The last save, of a run that reloads. */
  readonly reload?: ReloadRow;
  /** Runners that can serve, and those among them that have a request. */
  readonly ready: number;
  readonly busy: number;
  /** The furthest of the runners that are starting; absent: none is. */
  readonly starting?: 'pending' | 'setup';
  /** A runner that a debugger has stopped, or that waits for one; absent: there is none. */
  readonly debug?: 'paused' | 'waiting';
  /** A save waits for a debugger that has stopped the old code. */
  readonly reloadWaits?: boolean;
  /** Why a runner waits before its next start, and until when, in milliseconds since the epoch. */
  readonly backingOff?: { readonly why: string; readonly until: number | null };
  /** Why the latest start failed, until a runner is ready. */
  readonly lastFailure: string | null;
  /** Why the first waiting request waits, as a sentence. */
  readonly waitsBecause: string | null;
  /** Those that were called, by path; absent: the emulator doesn't know the app. */
  readonly endpoints?: ReadonlyMap<string, EndpointFacts>;
}

export interface EndpointFacts {
  readonly calls: number;
  readonly failures: number;
  readonly p50Ms: number | null;
  /** What the last failure was, in one line; `null`: the last call succeeded. */
  readonly lastFailure: string | null;
}

/** The facts of every alias that is deployed or has runners. `now` in milliseconds since the epoch. Pure. */
export function appFacts(live: LiveState, now: number): ReadonlyMap<string, AppFacts> {
  const runners = [...live.runners.values()].filter(({ endedAt }) => endedAt === null);
  const aliases = new Set([...live.apps.keys(), ...runners.map(({ alias }) => alias)]);
  const ofAlias = byAlias(runners);
  return new Map([...aliases].map((alias) => [alias, factsOf(live, alias, ofAlias.get(alias) ?? [], now)]));
}

function factsOf(
  { head, apps, requests }: LiveState,
  alias: string,
  runners: readonly RunnerRow[],
  now: number,
): AppFacts {
  const app = apps.get(alias);
  const inState = (...states: readonly string[]) => runners.filter(({ state }) => states.includes(state));
  const starting =
    inState('SETUP').length > 0 ? 'setup' : inState('PENDING', 'DOCKER_PULL').length > 0 ? 'pending' : '';
  const held = (state: 'paused' | 'waiting') => runners.some(({ debug }) => debug === state);
  const debug = held('paused') ? 'paused' : held('waiting') ? 'waiting' : undefined;
  const [delayed] = inState('FAILURE_DELAY');
  const why = delayed?.reason?.evidence ?? delayed?.why ?? app?.lastFailure ?? '';
  return {
    alias,
    isDeployed: app?.kind === 'deployed',
    queued: app?.counts.queued ?? 0,
    ready: inState('IDLE', 'RUNNING').length,
    busy: inState('RUNNING').length,
    ...(starting === '' ? {} : { starting }),
    ...(debug ? { debug } : {}),
    ...(runners.some((runner) => runner.debug === 'paused' && runner.isChanging) ? { reloadWaits: true } : {}),
    ...(delayed ? { backingOff: { why: cause(why), until: delayed.until } } : {}),
    lastFailure: app?.lastFailure ? cause(app.lastFailure) : null,
    waitsBecause: app?.reason ? sentenceOf(app.reason, head, now) : null,
    ...(app && app.reload === null ? { revision: app.revision } : {}),
    ...(app?.scaling ? { scaling: app.scaling } : {}),
    ...(app?.reload ? { reload: app.reload } : {}),
    ...(app ? { endpoints: new Map(app.endpoints.map((one) => [one.path, endpointFacts(one, requests)])) } : {}),
  };
}

function endpointFacts(
  { calls, failures, p50Ms, lastFailure }: AppRow['endpoints'][number],
  requests: LiveState['requests'],
): EndpointFacts {
  // Of an exception, the type and the line are what a person looks for; the message is in the request.
  const error = lastFailure && requests.get(lastFailure.request)?.error;
  const brief =
    error && error.line !== null
      ? t('{0}, line {1}', errorName(error.type), error.line)
      : cause(lastFailure?.message ?? '');
  return { calls, failures, p50Ms, lastFailure: lastFailure && brief };
}

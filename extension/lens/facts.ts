import type { Snapshot } from '../target/snapshot.ts';

/** The state of one alias, as far as lenses show it. */
export interface AppFacts {
  readonly alias: string;
  readonly queued: number;
  /** Runners that can serve, and those among them that have a request. */
  readonly ready: number;
  readonly busy: number;
  /** The furthest of the runners that are starting; absent: none is. */
  readonly starting?: 'pending' | 'setup';
  /** Why a runner waits before its next start, and until when, in milliseconds since the epoch. */
  readonly backingOff?: { readonly why: string; readonly until: number | null };
  /** Why the latest start failed, until a runner is ready. */
  readonly lastFailure: string | null;
  /** Why the first waiting request waits, as a sentence. */
  readonly waitsBecause: string | null;
  /** By path; absent: the emulator doesn't count them. */
  readonly endpoints?: ReadonlyMap<string, EndpointFacts>;
}

export interface EndpointFacts {
  readonly calls: number;
  readonly failures: number;
  readonly p50Ms: number | null;
  /** What the last failure was, in one line; `null`: the last call succeeded. */
  readonly lastFailure: string | null;
}

type Status = NonNullable<Snapshot['status']>;

/** The facts of every alias that is deployed or has runners. Pure. */
export function appFacts(status: Status): ReadonlyMap<string, AppFacts> {
  const aliases = new Set([...status.apps, ...status.runners].map(({ alias }) => alias));
  const apps = new Map(status.apps.map((app) => [app.alias, app]));
  return new Map([...aliases].map((alias) => [alias, factsOf(status, alias, apps.get(alias))]));
}

function factsOf(status: Status, alias: string, app: Status['apps'][number] | undefined): AppFacts {
  const runners = status.runners.filter((runner) => runner.alias === alias && runner.endedAt === null);
  const inState = (...states: readonly string[]) => runners.filter(({ state }) => states.includes(state));
  const starting =
    inState('SETUP').length > 0 ? 'setup' : inState('PENDING', 'DOCKER_PULL').length > 0 ? 'pending' : '';
  const [delayed] = inState('FAILURE_DELAY');
  const why = delayed?.transitions.at(-1)?.reason ?? app?.lastFailure ?? '';
  return {
    alias,
    queued: app?.queueSize ?? status.waiting.filter((one) => one.alias === alias).length,
    ready: inState('IDLE', 'RUNNING').length,
    busy: inState('RUNNING').length,
    ...(starting === '' ? {} : { starting }),
    ...(delayed ? { backingOff: { why: cause(why), until: null } } : {}),
    lastFailure: app?.lastFailure ? cause(app.lastFailure) : null,
    waitsBecause: status.waiting.find((one) => one.alias === alias)?.why ?? null,
  };
}

/** The first line, without the platform's introduction. */
function cause(why: string): string {
  return (why.split('\n', 1)[0] ?? '').replace(/^The last start failed: /, '');
}

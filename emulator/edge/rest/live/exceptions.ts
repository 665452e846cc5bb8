import type { TracedRequest } from '../../../telemetry/requests/types.ts';
import type { LoggedException, Logs } from '../../../telemetry/types.ts';
import type { ExceptionRow } from '../../../wire/live.ts';
import type { LiveRooms } from './rows.ts';

/** The latest exceptions; older ones are in the log. */
const kept = 100;
/** Frames of the app's own code, the innermost ones. */
const framesShown = 10;
const maxPath = 500;
/** Runners of an app that are checked for a start that succeeded after a failed one. */
const maxRunners = 50;

/** Of exceptions that a success has ended: enough to notice those that come back. */
const keptEnds = 200;

/** An exception, and what was known when it occurred. */
interface Noted extends LoggedException {
  readonly key: string;
  /** The revision that its app's calls went to; `undefined`: it was not deployed. */
  readonly active: string | undefined;
  /** The same for the app of a run, which reloads change. */
  readonly running: string | undefined;
  /** A success has ended it before, and the same code raised it again. */
  readonly isBack: boolean;
}

/**
 * The last exception of each endpoint, of each app's start and of each requirement, until what raised it succeeds: a
 * later call of the endpoint, a later start, or another revision. An exception that comes back after such a call is
 * about some inputs only, and stays until another revision is called. Those of a `fal run` outlive it: often it ended
 * because of them. A reload of a run is another revision, whether or not it starts a runner.
 */
export interface CurrentExceptions {
  /** @returns the keys of the rows that differ: its own, and those of older ones that are left out from now on */
  add(exception: LoggedException): readonly string[];
  /** Finds those of an app's endpoints that an earlier emulator had. @returns the keys of the rows that differ */
  recall(alias: string): readonly string[];
  /** The keys of an app's rows. */
  keysOf(alias: string): readonly string[];
  all(): Iterable<string>;
  /** `undefined`: it doesn't exist, or not any more. */
  row(key: string): ExceptionRow | undefined;
}

export function createCurrentExceptions(
  rooms: LiveRooms & { readonly logs: Pick<Logs, 'exceptionOf'> },
): CurrentExceptions {
  const { catalog, fleet, runnerHistory, requestHistory, logs } = rooms;
  /** In the order in which they occurred. */
  const noted = new Map<string, Noted>();
  /** Where calls raised exceptions that a later call has ended, the oldest first. */
  const ends = new Set<string>();

  function requestOf({ requestId }: LoggedException) {
    return requestId === null ? undefined : requestHistory.get(requestId);
  }

  function keyOf(raised: LoggedException): string {
    const { alias, exception, endpoint } = raised;
    if (exception.phase === 'build') return `${alias} build ${exception.requirement ?? exception.message}`;
    if (exception.phase !== 'request') return `${alias} start`;
    return `${alias} ${(requestOf(raised)?.path ?? endpoint ?? '').slice(0, maxPath)}`;
  }

  function isCurrent(one: Noted): boolean {
    const { alias, exception, active } = one;
    const now = catalog.alias(alias)?.revision;
    const running = fleet.counts(alias)?.revision;
    const isGone = now === undefined && running === undefined;
    if (isGone && active !== undefined) return false;
    const isReloaded = !isGone && now === undefined && running !== one.running && running !== one.revision;
    if (exception.phase === 'build') return now === active && !isReloaded;
    if (exception.phase !== 'request') return isGone || !(isReloaded || hasStarted(one));
    const request = requestOf(one);
    if (request?.phase !== 'COMPLETED' || request.kind === 'function') return request !== undefined;
    if (one.revision === null || (!isGone && one.revision !== (now ?? running))) return false;
    const path = request.path.slice(0, maxPath);
    const endpoints = requestHistory.endpoints(alias, one.revision) ?? [];
    const endpoint = endpoints.find((known) => known.path === path && known.method === request.method);
    if (endpoint === undefined) return false;
    if (endpoint.lastFailure !== null || one.isBack) return true;
    ends.add(placeOf(one));
    for (const oldest of ends) if (ends.size > keptEnds) ends.delete(oldest);
    return false;
  }

  /** A runner of the same code, or of a newer revision, began after it and was ready. */
  function hasStarted({ alias, revision, at, active }: Noted): boolean {
    return fleet
      .runners(alias)
      .slice(-maxRunners)
      .some((runner) => {
        const isNewer = runner.revision === revision || runner.revision !== active;
        return isNewer && runner.readyAt !== undefined && runner.readyAt > at;
      });
  }

  function add(raised: LoggedException): readonly string[] {
    const key = keyOf(raised);
    noted.delete(key);
    const isBack = ends.has(placeOf({ ...raised, key }));
    const { alias } = raised;
    const [active, running] = [catalog.alias(alias)?.revision, fleet.counts(alias)?.revision];
    noted.set(key, { ...raised, key, active, running, isBack });
    const over = [...noted.keys()].slice(0, Math.max(0, noted.size - kept));
    for (const oldest of over) noted.delete(oldest);
    return [key, ...over];
  }

  return {
    add,
    recall(alias) {
      const revision = catalog.alias(alias)?.revision;
      const endpoints = revision === undefined ? undefined : requestHistory.endpoints(alias, revision);
      return (endpoints ?? []).flatMap(({ path, lastFailure }) => {
        if (lastFailure === null || noted.size >= kept || noted.has(`${alias} ${path}`)) return [];
        const request = requestHistory.get(String(lastFailure.request));
        const exception = request && logs.exceptionOf({ requestId: request.id });
        if (!exception) return [];
        const { id: requestId, runner, completedAt } = request;
        const at = completedAt ?? request.submittedAt;
        const owner = { alias, revision: request.revision, runnerId: runner?.id ?? null, requestId, endpoint: path };
        return add({ seq: 0, at, ...owner, exception });
      });
    },
    keysOf: (alias) => [...noted.values()].filter((one) => one.alias === alias).map(({ key }) => key),
    all: () => noted.keys(),
    row(key) {
      const one = noted.get(key);
      if (!one) return undefined;
      if (!isCurrent(one)) {
        noted.delete(key);
        return undefined;
      }
      const { alias, revision, at, runnerId, exception } = one;
      const request = shownOf(requestOf(one));
      const runner = runnerId === null ? undefined : runnerHistory.get(runnerId);
      return {
        key,
        alias,
        revision,
        at,
        request,
        runner: runner ? { id: runner.id, number: runner.number, startedAt: runner.startedAt } : null,
        exception: { ...exception, frames: exception.frames.filter(({ isApp }) => isApp).slice(-framesShown) },
      };
    },
  };
}

/** The code that raised it. */
function placeOf({ key, revision, exception: { type, frames } }: LoggedException & Pick<Noted, 'key'>): string {
  const { file, line } = frames.findLast(({ isApp }) => isApp) ?? {};
  return JSON.stringify([key, revision, type, file, line]);
}

function shownOf(request: TracedRequest | undefined): ExceptionRow['request'] {
  if (!request) return null;
  const { number, id, kind, method, path } = request;
  return { number, id, kind, method, path: path.slice(0, maxPath) };
}

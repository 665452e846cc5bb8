import { asDiskTrouble } from '../../local/disk-trouble.ts';
import type { Report } from '../../local/loop/contain.ts';
import type { AppEndpoints } from './endpoints.ts';
import type { HistoryRecords } from './records.ts';
import type { TracedRequest } from './types.ts';

/**
 * Requests that change within this time share a transaction, and one that begins and ends within it is written once.
 */
const batchMs = 250;
/** Counts are written less often, because each write has the whole list of an app. */
const countsEveryMs = 2_000;
const retryMs = 2_000;
/** What waits for the disk; more is forgotten, the oldest first. */
const maxPending = 10_000;
/** No more than this is written in one turn of the event loop (measured: 6 µs each). */
const atOnce = 1_000;

/** Writes changed requests and counts in batches. */
export interface HistoryWriter {
  changed(request: TracedRequest): void;
  appChanged(alias: string): void;
  /** Writes now what waits. Trouble with the disk leaves it waiting. */
  flush(): void;
  /** Writes everything, or forgets it. */
  close(): void;
}

export function createHistoryWriter(deps: {
  readonly records: Pick<HistoryRecords, 'put'>;
  readonly appOf: (alias: string) => AppEndpoints | undefined;
  /** Starts a timer; returns a function that cancels it. */
  readonly later: (delayMs: number, run: () => void) => () => void;
  readonly report: Report;
}): HistoryWriter {
  const requests = new Map<number, TracedRequest>();
  const apps = new Set<string>();
  let callOff: (() => void) | undefined;
  /** The delay that the timer was set with. */
  let setMs = 0;
  let countsAt = 0;

  /** In at most this time. Called for each change of a request: a timer that is set needs no clock. */
  function soon(ms: number): void {
    if (callOff && ms >= setMs) return;
    callOff?.();
    setMs = ms;
    callOff = deps.later(ms, () => {
      callOff = undefined;
      flush();
    });
  }

  /** `withCounts`: also the counts, whenever they were written last. */
  function flush({ all = false, withCounts = all }: { all?: boolean; withCounts?: boolean } = {}): void {
    callOff?.();
    callOff = undefined;
    if (requests.size === 0 && apps.size === 0) return;
    const some = [...requests.values()].slice(0, all ? undefined : atOnce);
    const now = performance.now();
    const counts = withCounts || now - countsAt >= countsEveryMs ? [...apps] : [];
    try {
      deps.records.put(
        some,
        counts.flatMap((alias) => deps.appOf(alias) ?? []),
      );
    } catch (error) {
      if (!asDiskTrouble(error)) deps.report(error);
      for (const number of requests.keys()) {
        if (requests.size <= maxPending) break;
        requests.delete(number);
      }
      soon(retryMs);
      return;
    }
    for (const request of some) if (requests.get(request.number) === request) requests.delete(request.number);
    for (const alias of counts) apps.delete(alias);
    if (counts.length > 0) countsAt = now;
    if (requests.size > 0) soon(0);
    else if (apps.size > 0) soon(countsEveryMs);
  }

  return {
    changed(request) {
      requests.set(request.number, request);
      soon(batchMs);
    },
    appChanged(alias) {
      apps.add(alias);
      soon(batchMs);
    },
    flush: () => flush({ withCounts: true }),
    close() {
      flush({ all: true });
      callOff?.();
    },
  };
}

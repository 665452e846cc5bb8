import { createLru } from '../queue/lru.ts';
import type { Logs } from '../telemetry/types.ts';

/** A request that its app bills later. */
export interface LateRequest {
  readonly id: string;
  readonly alias: string;
  readonly runnerId: string;
  /** Path within the app. */
  readonly endpoint: string;
}

/**
 * Deferred billing (`x-fal-billable-units-webhook: 1`, fal/wma/_billing.py): the request waits for its units until the
 * app reports them. minifal has no prices; the settled amount is a line in the request's log, where a developer looks
 * for it.
 */
export interface LateUnits {
  /** The app's answer said that the units will be reported later. */
  expect(request: LateRequest): void;
  /**
   * Returns `false` if no request waits for units under this id. A repeated report changes nothing: its first answer
   * may have been lost. `runnerId` is the runner whose key came with the report; a runner may report only its own
   * requests.
   */
  settle(id: string, units: string, runnerId?: string): boolean;
}

/** The number of sessions that can wait at once; above it, the one that has waited longest is dropped. */
const maxEntries = 10_000;

/** Kept in memory: a report can only come from a runner of this process. */
export function createLateUnits(deps: {
  readonly logs: Pick<Logs, 'append'>;
  readonly clock: () => number;
}): LateUnits {
  const entries = createLru<string, { readonly request: LateRequest; isSettled: boolean }>({
    entries: maxEntries,
    bytes: Number.POSITIVE_INFINITY,
  });
  const write = ({ id, alias, runnerId, endpoint }: LateRequest, message: string): void =>
    deps.logs.append({
      at: deps.clock(),
      level: 'INFO',
      source: 'BRIDGE',
      stream: null,
      message,
      alias,
      revision: null,
      runnerId,
      requestId: id,
      endpoint,
    });
  return {
    expect(request) {
      entries.set(request.id, { request, isSettled: false }, 0);
      write(request, 'WAITING for billable units: the app reports them when the session ends.');
    },
    settle(id, units, runnerId) {
      const entry = entries.get(id);
      if (!entry || (runnerId !== undefined && entry.request.runnerId !== runnerId)) return false;
      if (!entry.isSettled) write(entry.request, `Billable units settled: ${units}`);
      entry.isSettled = true;
      return true;
    },
  };
}

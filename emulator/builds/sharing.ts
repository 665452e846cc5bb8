import type { BuiltEnvironment } from '../engines/engine.ts';
import type { BuildFailure, BuildLog, BuildResult } from './types.ts';

type Listener = (line: BuildLog) => void;

interface Flight<Result> {
  readonly promise: Promise<Result>;
  readonly cancel: AbortController;
  readonly lines: BuildLog[];
  readonly listeners: Set<Listener>;
}

export const cancelled: BuildFailure = { kind: 'failed', reason: 'The build was cancelled.' };

/**
 * One build per key at a time, shared by all callers that ask while it runs. Each caller gets all log lines, including
 * earlier ones. A cancelled caller stops waiting; when no caller is left, the build itself is cancelled.
 */
export function sharedBuilds<Environment extends BuiltEnvironment>() {
  type Result = BuildResult<Environment>;
  const flights = new Map<string, Flight<Result>>();

  function startFlight(key: string, work: (log: Listener, signal: AbortSignal) => Promise<Result>): Flight<Result> {
    const cancel = new AbortController();
    const lines: BuildLog[] = [];
    const listeners = new Set<Listener>();
    const log = (line: BuildLog) => {
      lines.push(line);
      for (const listener of listeners) listener(line);
    };
    // A cancelled build gives up its place at once, so that the next caller starts a new one instead of a cancelled
    // one.
    cancel.signal.addEventListener('abort', () => release());
    const release = () => {
      if (flights.get(key) === flight) flights.delete(key);
    };
    const flight: Flight<Result> = { promise: work(log, cancel.signal).finally(release), cancel, lines, listeners };
    flights.set(key, flight);
    return flight;
  }

  return {
    async join(
      key: string,
      log: Listener,
      signal: AbortSignal | undefined,
      work: (log: Listener, signal: AbortSignal) => Promise<Result>,
    ): Promise<Result> {
      if (signal?.aborted) return cancelled;
      // A listener per caller: the same function may wait twice.
      const listener: Listener = (line) => log(line);
      const known = flights.get(key);
      const flight = known ?? startFlight(key, work);
      for (const line of flight.lines) log(line);
      flight.listeners.add(listener);
      let abandon: (() => void) | undefined;
      const abandoned = new Promise<Result>((resolve) => {
        abandon = () => resolve(cancelled);
        signal?.addEventListener('abort', abandon, { once: true });
      });
      try {
        return await Promise.race([flight.promise, abandoned]);
      } finally {
        if (abandon) signal?.removeEventListener('abort', abandon);
        flight.listeners.delete(listener);
        if (flight.listeners.size === 0) flight.cancel.abort();
      }
    },

    /** Cancels all builds and waits until they have ended. */
    async close(): Promise<void> {
      const running = [...flights.values()];
      for (const flight of running) flight.cancel.abort();
      await Promise.allSettled(running.map((flight) => flight.promise));
    },
  };
}

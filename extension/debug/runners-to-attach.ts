import type { RunnerRow } from '../target/live.ts';

/**
 * Runners that a debugger can attach to now: those that wait for it, and those that serve. One that is about to load
 * its app will wait for it, unless it began before somebody debugged. Each is tried once: one that refused would refuse
 * again. Pure.
 */
export function runnersToAttach(runners: readonly RunnerRow[], tried: ReadonlySet<string>): readonly RunnerRow[] {
  return runners.filter(
    ({ id, endedAt, state, debug }) =>
      endedAt === null &&
      !tried.has(id) &&
      (debug === null ? state === 'IDLE' || state === 'RUNNING' : debug === 'waiting'),
  );
}

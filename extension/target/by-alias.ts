import type { RunnerRow } from './live.ts';

/** Runners by their app. The oldest supported editor doesn't have `Map.groupBy`. */
export function byAlias(runners: readonly RunnerRow[]): ReadonlyMap<string, readonly RunnerRow[]> {
  const groups = new Map<string, RunnerRow[]>();
  for (const runner of runners) {
    const group = groups.get(runner.alias);
    if (group) group.push(runner);
    else groups.set(runner.alias, [runner]);
  }
  return groups;
}

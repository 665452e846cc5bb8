import type { RunnerRow } from './live.ts';

/** Runners by their app. The oldest supported editor doesn't have `Map.groupBy`. */
export function byAlias(
  runners: readonly RunnerRow[],
  aliasOf = ({ alias }: RunnerRow): string => alias,
): ReadonlyMap<string, readonly RunnerRow[]> {
  const groups = new Map<string, RunnerRow[]>();
  for (const runner of runners) {
    const alias = aliasOf(runner);
    const group = groups.get(alias);
    if (group) group.push(runner);
    else groups.set(alias, [runner]);
  }
  return groups;
}

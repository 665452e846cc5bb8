/** The names of so many runs are kept after their end, for lists of what they did. */
const maxNames = 1_000;

/**
 * The names that `fal` has for the apps of runs: those of their deployments. A run's alias is a UUID, which says
 * nothing to people.
 * @param known of earlier runs, the oldest first
 * @param isOpen whether a run has a runner: its name is kept
 */
export function createRunNames(
  known: Iterable<readonly [alias: string, name: string]>,
  isOpen: (alias: string) => boolean,
) {
  /** The oldest first. */
  const names = new Map<string, string>();

  function set(alias: string, name: string): void {
    names.delete(alias);
    names.set(alias, name);
    if (names.size <= maxNames) return;
    for (const other of names.keys()) {
      if (names.size <= maxNames) break;
      if (other !== alias && !isOpen(other)) names.delete(other);
    }
  }

  for (const [alias, name] of known) set(alias, name);
  return { set, of: (alias: string): string | undefined => names.get(alias) };
}

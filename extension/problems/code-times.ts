import type { LiveState, RunnerRow } from '../target/live.ts';
import type { LogRow } from '../target/log-client.ts';

type Live = Pick<LiveState, 'apps'> & {
  readonly runners: ReadonlyMap<string, Pick<RunnerRow, 'startedAt'>>;
};
type Printed = Pick<LogRow, 'alias' | 'revision' | 'runnerId' | 'at'> & {
  /** Of its runner, if that is known although the state has forgotten the runner. */
  readonly startedAt?: number | undefined;
};

const maxRevisions = 500;

/**
 * When the code that prints or raises was loaded, in milliseconds since the epoch: when its runner started, unless the
 * runner has exchanged its code since, as those of `minifal run --watch` do.
 */
export function createCodeTimes() {
  /** By alias and revision: when it was exchanged; `undefined`: its code is that of the runner's start. */
  const exchanged = new Map<string, number | undefined>();
  /** By alias, of its latest revision. */
  const latest = new Map<string, number | undefined>();

  return {
    /** Takes note of reloads. Called with each state: the emulator has only the latest one. */
    note({ apps }: Pick<Live, 'apps'>): void {
      for (const alias of latest.keys()) if (!apps.has(alias)) latest.delete(alias);
      for (const { alias, kind, revision, reload } of apps.values()) {
        const key = keyOf(alias, revision);
        if (kind !== 'run' || exchanged.has(key)) continue;
        // With other settings, the code that was there gets the name of a new revision.
        const kept = reload?.outcome === 'registered' ? latest.get(alias) : undefined;
        const at = reload?.outcome === 'swapped' ? reload.at - reload.ms : kept;
        exchanged.set(key, at);
        latest.set(alias, at);
        for (const oldest of exchanged.keys()) if (exchanged.size > maxRevisions) exchanged.delete(oldest);
      }
    },
    of({ alias, revision, runnerId, at, startedAt: known = at }: Printed, live: Live | undefined): number {
      const startedAt = (runnerId === null ? undefined : live?.runners.get(runnerId)?.startedAt) ?? known;
      if (revision === null || live?.apps.get(alias)?.kind !== 'run') return startedAt;
      const key = keyOf(alias, revision);
      // The log may be faster than the state that says since when there is this revision.
      return exchanged.has(key) ? Math.max(startedAt, exchanged.get(key) ?? 0) : at;
    },
  };
}

function keyOf(alias: string, revision: string): string {
  return `${alias} ${revision}`;
}

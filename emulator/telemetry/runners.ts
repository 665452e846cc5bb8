import { z } from 'zod';
import { type Report, throwLater } from '../local/contain.ts';
import { createDocuments } from '../store/documents.ts';
import { createGroupCommit } from '../store/group-commit.ts';
import type { Store } from '../store/open.ts';
import type { RunnerRecord } from './types.ts';

/** One change of a runner's state, as people read it. */
export interface RunnerTransition {
  readonly at: number;
  /** The platform's word: PENDING, SETUP, IDLE … */
  readonly state: string;
  /** Which rule or event caused it, a sentence; `null`: nothing to add. */
  readonly reason: string | null;
}

export interface RunnerHistory {
  started(runner: Pick<RunnerRecord, 'id' | 'alias' | 'revision' | 'machineType' | 'startedAt'>): void;
  /** Remembered in memory while the runner lives, stored with its end. Ignored for runners that aren't alive. */
  transition(runnerId: string, transition: RunnerTransition): void;
  /** Ignored for runners that have ended. */
  ended(runnerId: string, at: number, reason: string): void;
  get(runnerId: string): RunnerRecord | undefined;
  /** Runners that lived at or after the instant, in the order of their starts. */
  since(atMs: number): readonly RunnerRecord[];
  /** Oldest first; of a busy runner the first and the most recent ones. */
  transitions(runnerId: string): readonly RunnerTransition[];
}

interface StoredRunner extends RunnerRecord {
  readonly transitions: readonly RunnerTransition[];
}

/** On disk, whichever minifal wrote it. */
const storedRunner: z.ZodType<StoredRunner> = z.object({
  id: z.string(),
  alias: z.string(),
  revision: z.string(),
  machineType: z.string(),
  startedAt: z.number(),
  endedAt: z.number().nullable(),
  endReason: z.string().nullable(),
  transitions: z.array(z.object({ at: z.number(), state: z.string(), reason: z.string().nullable() })),
});

/** Ended runners are shown this long (runner.md §1). */
const keptMs = 24 * 60 * 60 * 1000;
/** Between two looks at all of them for old ones. */
const dropEveryMs = 10 * 60 * 1000;
/** The way up to the first request is always kept; IDLE and RUNNING then alternate with every request. */
const keptFirst = 20;
const keptLast = 180;

/**
 * Runners as people saw them. Start and end are on disk with the next group commit, or, if the disk is full, as soon as
 * there is room. Runners that a crash of the emulator left open are closed at the next start: none of them can have
 * survived it.
 */
export function createRunnerHistory({
  store,
  clock,
  report = throwLater,
}: {
  readonly store: Store;
  readonly clock: () => number;
  /** Hears of what can't be written for another reason than the disk. By default it is thrown. */
  readonly report?: Report;
}): RunnerHistory {
  const commits = createGroupCommit(store);
  const documents = createDocuments<StoredRunner>(store, 'runners', storedRunner);
  const runners = new Map(documents.load().map(({ id, value }) => [id, value]));

  let nextDropAt = Number.NEGATIVE_INFINITY;

  for (const [id, runner] of runners) {
    if (runner.endedAt !== null) continue;
    const last = { at: clock(), state: 'TERMINATED', reason: 'emulator ended' };
    put(id, { ...runner, endedAt: last.at, endReason: last.reason, transitions: [...runner.transitions, last] });
  }
  dropOld();

  return {
    started(runner) {
      put(runner.id, { ...runner, endedAt: null, endReason: null, transitions: [] });
      dropOld();
    },
    transition(id, transition) {
      const runner = runners.get(id);
      if (!runner || runner.endedAt !== null) return;
      runners.set(id, { ...runner, transitions: bounded([...runner.transitions, transition]) });
    },
    ended(id, at, reason) {
      const runner = runners.get(id);
      if (!runner || runner.endedAt !== null) return;
      put(id, { ...runner, endedAt: at, endReason: reason });
    },
    get(id) {
      const runner = runners.get(id);
      return runner && !isOld(runner) ? recordOf(runner) : undefined;
    },
    since: (atMs) =>
      [...runners.values()]
        .filter((runner) => !isOld(runner) && (runner.endedAt ?? Number.POSITIVE_INFINITY) >= atMs)
        .map(recordOf),
    transitions: (id) => runners.get(id)?.transitions ?? [],
  };

  function write(work: () => void): void {
    commits.write(work, 'keep').catch(report);
  }

  function put(id: string, runner: StoredRunner): void {
    runners.set(id, runner);
    write(() => {
      const now = runners.get(id);
      if (now) documents.put(id, now);
    });
  }

  function isOld({ endedAt }: RunnerRecord): boolean {
    return endedAt !== null && endedAt <= clock() - keptMs;
  }

  /** Nothing that is old is shown: it may be there a little longer. */
  function dropOld(): void {
    if (clock() < nextDropAt) return;
    nextDropAt = clock() + dropEveryMs;
    const old = [...runners.values()].filter(isOld);
    if (old.length === 0) return;
    for (const { id } of old) runners.delete(id);
    write(() => {
      for (const { id } of old) documents.delete(id);
    });
  }
}

function bounded(transitions: readonly RunnerTransition[]): readonly RunnerTransition[] {
  if (transitions.length <= keptFirst + keptLast) return transitions;
  return [...transitions.slice(0, keptFirst), ...transitions.slice(-keptLast)];
}

function recordOf({ transitions: _, ...record }: StoredRunner): RunnerRecord {
  return record;
}

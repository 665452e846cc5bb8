import { type Report, throwLater } from '../local/loop/contain.ts';
import { isDecided } from '../scheduler/runners/ending.ts';
import type { Store } from '../store/open.ts';
import type { StartStep } from '../wire/runner-start.ts';
import { createRunNames } from './run-names.ts';
import { runnerRecords, type StoredRunner } from './runner-records.ts';
import type { RunnerRecord, RunnerTransition } from './types.ts';

export interface RunnerHistory {
  /** A run of this alias begins; its runners and requests are shown with the name that `fal` has for its app. */
  named(alias: string, appName: string): void;
  /** The name of a run's app, also after its end and a restart. `undefined`: no run, no name, or long ago. */
  appNameOf(alias: string): string | undefined;
  /** The runner gets the next number of its alias. */
  started(runner: Pick<RunnerRecord, 'id' | 'alias' | 'revision' | 'machineType' | 'startedAt'>): void;
  /** The runner has the code of this revision from now on. Ignored for runners that aren't alive. */
  revised(runnerId: string, revision: string): void;
  /**
   * Stored with the next group commit; between IDLE and RUNNING, with the next other change. Ignored for runners that
   * aren't alive.
   */
  transition(runnerId: string, transition: RunnerTransition): void;
  /** A step of its start: it replaces the same step, and those after it, of an earlier process of the runner. */
  step(runnerId: string, step: StartStep): void;
  /** Ignored for runners that have ended. */
  ended(runnerId: string, at: number, reason: string): void;
  get(runnerId: string): RunnerRecord | undefined;
  /** The runner's number among those of its alias; 0: it isn't known. Costs less than `get`. */
  numberOf(runnerId: string): number;
  /** Runners that were alive at or after the instant, in the order of their starts. */
  since(atMs: number): readonly RunnerRecord[];
  /** Runners that ended and are still known: their number, all of them or one app's, and the app's last one. */
  endedCount(): number;
  endedOf(alias: string): { readonly count: number; readonly last: RunnerRecord | undefined };
  /** Oldest first; for a busy runner, the first and the most recent ones. The list changes with the next transition. */
  transitions(runnerId: string): readonly RunnerTransition[];
  /** In order; none: unknown. */
  steps(runnerId: string): readonly StartStep[];
  /** The last runner of the same alias that was started before it and became ready. */
  readyBefore(runnerId: string): RunnerRecord | undefined;
}

/** How long ended runners are shown (docs/platform/runners.md#states). */
const keptMs = 24 * 60 * 60 * 1000;
/** An emulator that ends itself ends its runners first. How often it notes that it lives: main/last-write.ts. */
export const killedWithEmulator = 'emulator was killed, at most a minute later';
/** The time between two searches for old runners. */
const dropEveryMs = 10 * 60 * 1000;
/** Transitions up to the first request are always kept; after that, IDLE and RUNNING alternate with every request. */
const keptFirst = 20;
const keptLast = 180;

/** Its transitions are added in place: a busy runner has two for each request. */
interface KeptRunner extends StoredRunner {
  readonly transitions: RunnerTransition[];
}

/**
 * Runners as users saw them. Start and end are on disk with the next group commit or, if the disk is full, as soon as
 * there is room. Runners that a crash of the emulator left open are closed at the next start, with the time of its last
 * sign of life: none of them can have survived it.
 */
export function createRunnerHistory({
  store,
  clock,
  lastSeenAt = clock(),
  report = throwLater,
}: {
  readonly store: Store;
  readonly clock: () => number;
  /** When the last emulator was alive for certain; absent: it may have ended just now. */
  readonly lastSeenAt?: number | undefined;
  /** Receives errors of writes that failed for a reason other than the disk. By default, they are thrown. */
  readonly report?: Report;
}): RunnerHistory {
  const records = runnerRecords(store);
  const runners = new Map<string, KeptRunner>(
    records.load().map((runner) => [runner.id, { ...runner, transitions: [...runner.transitions] }]),
  );
  const numbers = createNumbers(runners.values());
  const names = createRunNames(
    [...runners.values()].flatMap(({ alias, appName }) => (appName === undefined ? [] : [[alias, appName] as const])),
    (alias) => [...runners.values()].some((runner) => runner.alias === alias && runner.endedAt === null),
  );
  let nextDropAt = Number.NEGATIVE_INFINITY;
  /** By alias. */
  const ended = new Map<string, { count: number; last: RunnerRecord }>();
  let endedCount = 0;

  for (const [id, found] of runners) {
    const runner = found.number > 0 ? found : { ...found, number: numbers.next(found.alias) };
    if (runner !== found) put(id, runner);
    if (runner.endedAt !== null) continue;
    const knownAt = Math.max(lastSeenAt, runner.startedAt, runner.transitions.at(-1)?.at ?? 0);
    const last = { at: Math.min(knownAt, clock()), state: 'TERMINATED', reason: killedWithEmulator };
    put(id, { ...runner, endedAt: last.at, endReason: last.reason, transitions: [...runner.transitions, last] });
  }
  for (const runner of runners.values()) if (runner.endedAt !== null) countEnd(runner, 1);
  dropOld();

  return {
    named: names.set,
    appNameOf: names.of,
    started(runner) {
      const number = numbers.next(runner.alias);
      const appName = names.of(runner.alias);
      const named = { ...runner, ...(appName === undefined ? {} : { appName }) };
      put(runner.id, { ...named, number, endedAt: null, endReason: null, transitions: [], steps: [] });
      dropOld();
    },
    revised(id, revision) {
      const runner = runners.get(id);
      if (runner && runner.endedAt === null && runner.revision !== revision) put(id, { ...runner, revision });
    },
    transition(id, transition) {
      const runner = runners.get(id);
      if (!runner || runner.endedAt !== null) return;
      const { transitions } = runner;
      // A busy runner changes with every request; such a change is stored with the next other one.
      const isStoredLater = isRoutine(transitions.at(-1), transition);
      transitions.push(transition);
      if (transitions.length > keptFirst + keptLast) transitions.splice(keptFirst, 1);
      if (!isStoredLater) put(id, runner);
    },
    step(id, step) {
      const runner = runners.get(id);
      if (!runner || runner.endedAt !== null) return;
      const place = runner.steps.findIndex((known) => known.step === step.step);
      const changed = { ...runner, steps: [...(place < 0 ? runner.steps : runner.steps.slice(0, place)), step] };
      // The others are stored with the next transition.
      if (step.step === 'called') put(id, changed);
      else runners.set(id, changed);
    },
    ended(id, at, reason) {
      const runner = runners.get(id);
      if (!runner || runner.endedAt !== null) return;
      const over = { ...runner, endedAt: at, endReason: reason };
      put(id, over);
      countEnd(over, 1);
    },
    get(id) {
      const runner = runners.get(id);
      return runner && !isOld(runner) ? recordOf(runner) : undefined;
    },
    numberOf: (id) => runners.get(id)?.number ?? 0,
    since: (atMs) =>
      [...runners.values()]
        .filter((runner) => !isOld(runner) && (runner.endedAt ?? Number.POSITIVE_INFINITY) >= atMs)
        .map(recordOf),
    endedCount: () => endedCount,
    endedOf(alias) {
      const { count = 0, last } = ended.get(alias) ?? {};
      return { count, last: last && !isOld(last) ? last : undefined };
    },
    transitions: (id) => runners.get(id)?.transitions ?? [],
    steps: (id) => runners.get(id)?.steps ?? [],
    readyBefore(id) {
      const runner = runners.get(id);
      let found: KeptRunner | undefined;
      for (const other of runners.values()) {
        const isBefore = other.alias === runner?.alias && other.number < runner.number && !isOld(other);
        if (!isBefore || other.number < (found?.number ?? 0)) continue;
        if (other.steps.some(({ step }) => step === 'ready')) found = other;
      }
      return found && recordOf(found);
    },
  };

  function put(id: string, runner: KeptRunner): void {
    runners.set(id, runner);
    records.keep(id, () => runners.get(id)).catch(report);
  }

  function countEnd(runner: StoredRunner, by: 1 | -1): void {
    endedCount += by;
    const { count = 0, last } = ended.get(runner.alias) ?? {};
    if (count + by <= 0) ended.delete(runner.alias);
    else {
      const isLater = last === undefined || (runner.endedAt ?? 0) >= (last.endedAt ?? 0);
      ended.set(runner.alias, { count: count + by, last: by > 0 && isLater ? recordOf(runner) : (last ?? runner) });
    }
  }

  function isOld({ endedAt }: RunnerRecord): boolean {
    return endedAt !== null && endedAt <= clock() - keptMs;
  }

  /**
   * Old entries are never shown, although they may be stored a little longer. The last one of each deployed app is
   * kept, because it holds the app's last number.
   */
  function dropOld(): void {
    if (clock() < nextDropAt) return;
    nextDropAt = clock() + dropEveryMs;
    const old = [...runners.values()].filter((runner) => isOld(runner) && !numbers.needs(runner));
    if (old.length === 0) return;
    for (const runner of old) {
      runners.delete(runner.id);
      countEnd(runner, -1);
    }
    records.remove(old.map(({ id }) => id)).catch(report);
  }
}

/** The numbers of each alias's runners. */
function createNumbers(known: Iterable<RunnerRecord>) {
  const last = new Map<string, number>();
  const see = ({ alias, number }: RunnerRecord) => void last.set(alias, Math.max(last.get(alias) ?? 0, number));
  for (const runner of known) see(runner);
  return {
    next(alias: string): number {
      const number = (last.get(alias) ?? 0) + 1;
      last.set(alias, number);
      return number;
    },
    /** Whether only this record still knows the alias's last number. The UUID of a `fal run` never comes back. */
    needs: ({ alias, revision, number }: RunnerRecord) => alias !== revision && last.get(alias) === number,
  };
}

function isRoutine(before: RunnerTransition | undefined, { state }: RunnerTransition): boolean {
  return (before?.state === 'IDLE' && state === 'RUNNING') || (before?.state === 'RUNNING' && state === 'IDLE');
}

function recordOf({ transitions: _, steps: _steps, ...record }: StoredRunner): RunnerRecord {
  return record;
}

/** Whether a runner with this end was ended, and didn't end by itself. */
export function wasDecided(endReason: string): boolean {
  return endReason === killedWithEmulator || isDecided(endReason);
}

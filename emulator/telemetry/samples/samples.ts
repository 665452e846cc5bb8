import { setImmediate as nextTurn } from 'node:timers/promises';
import { asDiskTrouble } from '../../local/disk-trouble.ts';
import type { Report } from '../../local/loop/contain.ts';
import { later } from '../../local/loop/timers.ts';
import { hour, minute, type SampleRecords, type SampleRow, tenSeconds } from './records.ts';
import { condense, type Sample, spanOf } from './sample.ts';

/** How long samples are kept, by the seconds that each covers. */
export const keptMs = { 1: 15 * minute, 10: 24 * hour, 60: 7 * 24 * hour } as const;

/**
 * What runners used. The samples of each second are kept in memory, because no runner outlives the emulator; those of
 * 10 s and of a minute are also on disk, with the next full minute. A kill of the emulator loses the last one or two.
 */
export interface Samples {
  /** One measurement of all runners. */
  add(of: readonly { readonly runnerId: string; readonly sample: Sample }[]): void;
  /**
   * The runner's samples from `from` on and before `to`, oldest first: of the last 15 min for steps below 10 s, of the
   * last day below a minute, of the last 7 days from a minute on.
   */
  read(
    runnerId: string,
    range: { readonly from: number; readonly to: number; readonly stepMs: number },
  ): readonly Sample[];
  /** Writes the minutes that are over; happens by itself once a minute. */
  write(): void;
  /** Makes minutes of what is a day old, and drops what is older than 7 days. */
  prune(now: number): Promise<void>;
  notices(): readonly string[];
  close(): void;
}

interface Series {
  /** Rising. */
  seconds: Sample[];
  /** What is before this is on disk. */
  writtenTo: number;
}

/** Runners whose seconds are in memory; with more, those that were measured longest ago are written and forgotten. */
const maxSeries = 500;
/** Rows that are read or dropped in one turn of the event loop. */
const atOnce = 500;

export function createSamples(deps: {
  readonly records: SampleRecords;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly report: Report;
}): Samples {
  const { records, clock, report } = deps;
  /** In the order of their last samples. */
  const series = new Map<string, Series>();
  let callOff: (() => void) | undefined;
  let isClosed = false;

  function write(rows: readonly SampleRow[]): boolean {
    try {
      if (rows.length > 0) records.add(rows);
      return true;
    } catch (error) {
      if (!asDiskTrouble(error)) report(error);
      return false;
    }
  }

  /** Writes what is before `before`. What the disk doesn't accept waits as long as its seconds are kept. */
  function flush(which: readonly (readonly [string, Series])[], before = Number.POSITIVE_INFINITY): void {
    const due = which.map(([runnerId, one]) => {
      const to = Math.max(one.writtenTo, Math.min(before, (one.seconds.at(-1)?.at ?? 0) + 1));
      return { runnerId, one, to, samples: one.seconds.filter(({ at }) => at >= one.writtenTo && at < to) };
    });
    const rows = due.flatMap(({ runnerId, samples }) => minutesOf(runnerId, samples));
    if (write(rows)) for (const { one, to } of due) one.writtenTo = to;
  }

  function forget(runnerId: string, one: Series): void {
    flush([[runnerId, one]]);
    series.delete(runnerId);
  }

  /** Once a minute as long as anything is in memory. */
  function upkeep(): void {
    const now = clock();
    const lastOf = ({ seconds }: Series) => seconds.at(-1)?.at ?? 0;
    const silent = [...series].filter(([, one]) => lastOf(one) < now - minute);
    flush(silent);
    for (const [runnerId, one] of silent) if (lastOf(one) < now - keptMs[1]) series.delete(runnerId);
    flush([...series], spanOf(now, minute));
    callOff = series.size === 0 ? undefined : later(minute, upkeep);
  }

  return {
    add(of) {
      if (isClosed) return;
      for (const { runnerId, sample } of of) {
        let one = series.get(runnerId);
        // The clock was set back: what was measured before is no longer in order.
        if (one && sample.at <= (one.seconds.at(-1)?.at ?? 0)) forget(runnerId, one);
        one = series.get(runnerId) ?? { seconds: [], writtenTo: 0 };
        one.seconds.push(sample);
        const tooOld = one.seconds.findIndex(({ at }) => at > sample.at - keptMs[1]);
        one.seconds.splice(0, tooOld);
        series.delete(runnerId);
        series.set(runnerId, one);
      }
      for (const [runnerId, one] of series) {
        if (series.size <= maxSeries) break;
        forget(runnerId, one);
      }
      callOff ??= later(minute, upkeep);
    },
    read(runnerId, { from: begin, to, stepMs }) {
      const from = spanOf(begin, stepMs);
      const { seconds = [], writtenTo = 0 } = series.get(runnerId) ?? {};
      const inRange = seconds.filter(({ at }) => at >= from && at < to);
      if (stepMs < tenSeconds) return condense(inRange, stepMs);
      const unwritten = condense(
        inRange.filter(({ at }) => at >= writtenTo),
        tenSeconds,
      );
      const minutes = stepMs < minute ? [] : records.minutes(runnerId, from, to);
      return condense([...minutes, ...records.tens(runnerId, from, to), ...unwritten], stepMs);
    },
    write: () => flush([...series], spanOf(clock(), minute)),
    async prune(now) {
      const limited = async (work: () => number) => {
        while (!isClosed && work() === atOnce) await nextTurn();
      };
      await limited(() => records.condenseBefore(spanOf(now - keptMs[10], hour), atOnce));
      await limited(() => records.dropBefore(now - keptMs[60] - hour, atOnce));
    },
    notices: records.notices,
    close() {
      callOff?.();
      flush([...series]);
      isClosed = true;
      records.close();
    },
  };
}

/** Rows of samples of 10 s, one for each minute. */
function minutesOf(runnerId: string, seconds: readonly Sample[]): readonly SampleRow[] {
  const rows = new Map<number, Sample[]>();
  for (const sample of condense(seconds, tenSeconds)) {
    const at = spanOf(sample.at, minute);
    const others = rows.get(at);
    if (others) others.push(sample);
    else rows.set(at, [sample]);
  }
  return [...rows.values()].map((samples) => ({ runnerId, samples }));
}

import { openStore } from '../../store/open.ts';
import { bytes, checksum, DamagedRow, integer, text, whole } from '../../store/rows.ts';
import { pack, unpack } from './packed.ts';
import { condense, type Sample, spanOf } from './sample.ts';
import { sampleMigrations } from './tables.ts';

/** The samples of one runner that belong together, oldest first. */
export interface SampleRow {
  readonly runnerId: string;
  readonly samples: readonly Sample[];
}

export const tenSeconds = 10_000;
export const minute = 60_000;
export const hour = 60 * minute;

/**
 * What runners used, on disk, in a file of its own: the only module that accesses it.
 *
 * - Atomic: each call.
 * - Durable when a call returns: survives the end of the process, but not a power loss (synchronous=NORMAL).
 * - A row that can't be read any more, or that isn't what was written, is missing from the results.
 * - Excluded: nested calls, and a second process that writes.
 */
export interface SampleRecords {
  /** Adds samples of 10 s, those of one minute in each row. @throws DiskTrouble and other disk errors */
  add(rows: readonly SampleRow[]): void;
  /** The runner's samples of 10 s from `from` on and before `to`, in any order. */
  tens(runnerId: string, from: number, to: number): readonly Sample[];
  /** The same of the samples of a minute. */
  minutes(runnerId: string, from: number, to: number): readonly Sample[];
  /**
   * Makes samples of a minute of up to `max` of the oldest rows before this instant; drops those of them that are too
   * many. @returns how many rows were read: fewer than `max` if there are no more
   */
  condenseBefore(at: number, max: number): number;
  /** Drops up to `max` of the oldest rows of minutes before this instant. @returns their number */
  dropBefore(at: number, max: number): number;
  notices(): readonly string[];
  close(): void;
}

/**
 * More rows than these are dropped, the oldest first: in total about 120 MB. 50 runners have 72,000 in a day, and 8,400
 * in a week.
 */
const maxRows = { tens: 400_000, minutes: 50_000 } as const;

const insert = {
  tens: 'INSERT INTO tens (runner_id, at, samples, checksum) VALUES (?, ?, ?, ?)',
  minutes: 'INSERT INTO minutes (runner_id, at, samples, checksum) VALUES (?, ?, ?, ?)',
};
const select = {
  tens: 'SELECT * FROM tens WHERE runner_id = ? AND at > ? AND at < ?',
  minutes: 'SELECT * FROM minutes WHERE runner_id = ? AND at > ? AND at < ?',
};
const oldest = {
  tens: 'SELECT * FROM tens ORDER BY number LIMIT ?',
  minutes: 'SELECT * FROM minutes ORDER BY number LIMIT ?',
};
const drop = { tens: 'DELETE FROM tens WHERE number = ?', minutes: 'DELETE FROM minutes WHERE number = ?' };
const lastNumber = { tens: 'SELECT max(number) AS last FROM tens', minutes: 'SELECT max(number) AS last FROM minutes' };
const spans = { tens: tenSeconds, minutes: minute } as const;
const lengths = { tens: minute, minutes: hour } as const;
type Table = keyof typeof spans;
type Row = Parameters<typeof text>[0];

/** @throws UserError, DiskTrouble like `openStore` */
export function openSampleRecords(file: string, most: Readonly<Record<Table, number>> = maxRows): SampleRecords {
  const firstReads = [lastNumber.tens, lastNumber.minutes];
  const store = openStore(file, { migrations: sampleMigrations, synchronous: 'NORMAL', firstReads });
  const { sql } = store;

  const put = (table: Table, { runnerId, samples }: SampleRow): void => {
    const packed = pack(samples, spans[table]);
    sql(insert[table]).run(runnerId, packed.at, packed.bytes, checksum(`${runnerId} ${packed.at}`, packed.bytes));
  };
  const find = (table: Table, runnerId: string, from: number, to: number): readonly Sample[] =>
    sql(select[table])
      .all(runnerId, from - lengths[table], to)
      .flatMap((row) => whole(() => samplesOf(table, row)) ?? [])
      .filter(({ at }) => at >= from && at < to);
  /** Also those whose clock was wrong: they are newer than they can be, and would never be old. */
  const old = (table: Table, before: number, max: number) => {
    const belowNumber = Number(sql(lastNumber[table]).get()?.last ?? 0) - most[table];
    const found = sql(oldest[table]).all(max);
    return found.filter((row) => {
      const at = Number(row.at);
      return Number(row.number) <= belowNumber || at < before || at > before + wrongAheadMs;
    });
  };
  const remove = (table: Table, rows: readonly Row[]): void => {
    for (const row of rows) sql(drop[table]).run(integer(row, 'number'));
  };
  /** An hour of many runners is condensed in several calls: its row gets the rest. */
  const addToHour = ({ runnerId, samples }: SampleRow): void => {
    const begin = spanOf(samples[0]?.at ?? 0, hour);
    const known = sql(select.minutes).all(runnerId, begin - 1, begin + hour);
    const before = known.flatMap((row) => whole(() => samplesOf('minutes', row)) ?? []);
    remove('minutes', known);
    put('minutes', { runnerId, samples: condense([...before, ...samples], minute) });
  };

  return {
    add(rows) {
      store.transaction(() => {
        for (const row of rows) put('tens', row);
      });
    },
    tens: (...asked) => find('tens', ...asked),
    minutes: (...asked) => find('minutes', ...asked),
    condenseBefore(before, max) {
      const rows = old('tens', before, max);
      if (rows.length === 0) return 0;
      store.transaction(() => {
        for (const row of hoursOf(rows.filter((one) => Number(one.at) < before))) addToHour(row);
        remove('tens', rows);
      });
      return rows.length;
    },
    dropBefore(before, max) {
      const rows = old('minutes', before, max);
      if (rows.length > 0) store.transaction(() => remove('minutes', rows));
      return rows.length;
    },
    notices: store.notices,
    close: store.close,
  };
}

/** A row that is this much newer than the oldest that are kept was written while the clock was wrong. */
const wrongAheadMs = 30 * 24 * hour;

/** @throws DamagedRow */
function samplesOf(table: Table, row: Row): readonly Sample[] {
  const [runnerId, at, samples] = [text(row, 'runner_id'), integer(row, 'at'), bytes(row, 'samples')];
  if (checksum(`${runnerId} ${at}`, samples) !== integer(row, 'checksum')) throw new DamagedRow('it was changed');
  return unpack({ at, bytes: samples }, spans[table]);
}

/** The samples of a minute of these rows, by runner and hour. */
function hoursOf(rows: readonly Row[]): readonly SampleRow[] {
  const byHour = new Map<string, { readonly runnerId: string; readonly samples: Sample[] }>();
  for (const row of rows) {
    const samples = whole(() => samplesOf('tens', row)) ?? [];
    const [first] = samples;
    if (first === undefined) continue;
    const runnerId = text(row, 'runner_id');
    const key = `${runnerId} ${spanOf(first.at, hour)}`;
    const known = byHour.get(key);
    if (known) known.samples.push(...samples);
    else byHour.set(key, { runnerId, samples: [...samples] });
  }
  return [...byHour.values()].map(({ runnerId, samples }) => ({ runnerId, samples: condense(samples, minute) }));
}

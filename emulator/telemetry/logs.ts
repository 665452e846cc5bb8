import { DiskTrouble } from '../local/disk-trouble.ts';
import { contain, type Report, throwLater } from '../local/loop/contain.ts';
import type { Checkpoints } from '../store/checkpoints.ts';
import type { RunnerException } from '../wire/log-lines.ts';
import { matches } from './log-query.ts';
import { openLogRecords } from './log-records.ts';
import { searchLines } from './log-search.ts';
import { createRowReader } from './rows/row-reader.ts';
import type { LoggedException, LogLine, Logs } from './types.ts';

export interface LogsDeps {
  readonly file: string;
  /** The approximate size of the stored lines; above it, the oldest lines are removed in batches. */
  readonly maxBytes: number;
  /** Hides secrets before anything is stored or shown (`createMask`). */
  readonly mask?: (text: string) => string;
  /** Receives errors that a listener threw. By default, they are thrown. */
  readonly report?: Report;
  readonly checkpoints?: Checkpoints;
}

export interface StoredLogs extends Logs {
  /** What was damaged or dropped when the file was opened. */
  notices(): readonly string[];
}

/** One line must not fill the store; a longer line is truncated with a remark. */
const maxMessage = 256 * 1024;
/** No more than this stays in memory. */
const maxBatch = 1_000;
/** Lines that arrive within this time share a transaction: one per line would slow down every request. */
const batchMs = 20;
/** The number of lines that are dropped in one turn of the event loop (measured: 10 µs each). */
const trimmedAtOnce = 500;
/** The number of characters that wait for the end of a lock; later lines are counted but not kept. */
const maxWaiting = 4 * 1024 * 1024;
const lockPauseMs = 250;

/**
 * Log lines in a file of their own. Lines are visible at once and written within 20 ms. Written lines survive a crash
 * of the process, but not a power loss. While another program has locked the file, some lines wait in memory. Other
 * trouble with the file (a full disk) costs lines, but never stops the emulator: a log line reports how many as soon as
 * lines can be written again. An error that a listener of `follow` throws is reported and does not affect the others.
 */
export function createLogs(deps: LogsDeps): StoredLogs {
  const { file, maxBytes, mask = (message: string) => message, report = throwLater, checkpoints } = deps;
  const records = openLogRecords(file, checkpoints);
  const followers = new Set<(line: LogLine) => void>();
  const exceptionFollowers = new Set<(exception: LoggedException) => void>();
  const rowFollowers = new Set<() => void>();
  const rows = createRowReader(file, flush);
  let nextSeq = records.lastSeq() + 1;
  let pending: (LogLine | LoggedException)[] = [];
  /** Characters of `pending`. */
  let waiting = 0;
  let locked = false;
  let lost = 0;
  let lostBecause = '';
  let scheduled: NodeJS.Timeout | undefined;
  let trimming: NodeJS.Immediate | undefined;
  let closed = false;

  return {
    append(line) {
      const place = line.place && { place: { ...line.place, file: mask(line.place.file) } };
      const stored: LogLine = { ...line, ...place, message: shortened(mask(line.message)), seq: nextSeq++ };
      if (!stored.unfinished) keep(stored);
      for (const follower of [...followers]) contain(report, follower)(stored);
    },
    page: rows.page,
    lastSeq: () => nextSeq - 1,
    followRows(listener) {
      const follower = (): void => listener();
      rowFollowers.add(follower);
      return () => void rowFollowers.delete(follower);
    },
    appendException({ exception, ...about }) {
      const logged = { ...about, exception: masked(exception, mask), seq: nextSeq++ };
      keep(logged);
      for (const follower of [...exceptionFollowers]) contain(report, follower)(logged);
    },
    exceptionOf(owner) {
      flush();
      return records.exceptionOf(owner);
    },
    followExceptions(listener) {
      const follower = (exception: LoggedException): void => listener(exception);
      exceptionFollowers.add(follower);
      return () => void exceptionFollowers.delete(follower);
    },
    query(query) {
      flush();
      return records.find(query);
    },
    async search(query) {
      flush();
      return searchLines(records, query, () => closed);
    },
    follow(query, listener) {
      const follower = (line: LogLine): void => {
        if (matches(query, line)) listener(line);
      };
      followers.add(follower);
      return () => void followers.delete(follower);
    },
    notices: records.notices,
    close() {
      closed = true;
      flush();
      clearImmediate(trimming);
      void rows.close();
      records.close();
    },
  };

  function keep(row: LogLine | LoggedException): void {
    if (locked && waiting > maxWaiting) lost++;
    else {
      pending.push(row);
      waiting += lengthOf([row]);
    }
    if (pending.length >= maxBatch && !locked) flush();
    else scheduled ??= setTimeout(flush, locked ? lockPauseMs : batchMs);
    for (const follower of [...rowFollowers]) contain(report, follower)();
  }

  function wait(batch: (LogLine | LoggedException)[]): void {
    pending = batch;
    waiting = lengthOf(batch);
    scheduled = setTimeout(flush, lockPauseMs);
  }

  function flush(): void {
    clearTimeout(scheduled);
    scheduled = undefined;
    const batch = pending;
    pending = [];
    waiting = 0;
    if (batch.length === 0) return;
    const remark = lost > 0 ? [lossRemark(lost, lostBecause, batch[0], nextSeq++)] : [];
    try {
      records.add([...remark, ...batch]);
      lost = 0;
      locked = false;
    } catch (error) {
      lostBecause = (error as Error).message;
      locked = error instanceof DiskTrouble && error.trouble === 'locked';
      if (locked) wait(batch);
      else lost += batch.length;
      return;
    }
    // The excess stays small, however fast lines arrive.
    trim(2 * batch.length);
  }

  /** Drops some of the oldest lines, and continues in the next turns while there are still too many. */
  function trim(max: number): void {
    clearImmediate(trimming);
    try {
      if (records.dropOldest(maxBytes, max)) trimming = setImmediate(() => trim(trimmedAtOnce));
    } catch {
      // The next batch tries again.
    }
  }
}

/** The characters of rows, about. */
function lengthOf(rows: readonly (LogLine | LoggedException)[]): number {
  const length = (row: LogLine | LoggedException) =>
    'exception' in row ? row.exception.message.length + row.exception.frames.length * 100 : row.message.length;
  return rows.reduce((sum, row) => sum + length(row), 0);
}

/** An app chooses all of these texts. */
function masked(exception: RunnerException, mask: (text: string) => string): RunnerException {
  return {
    ...exception,
    type: mask(exception.type),
    message: mask(exception.message),
    ...(exception.requirement === undefined ? {} : { requirement: mask(exception.requirement) }),
    frames: exception.frames.map((frame) => ({ ...frame, file: mask(frame.file), function: mask(frame.function) })),
  };
}

function shortened(message: string): string {
  if (message.length <= maxMessage) return message;
  return `${message.slice(0, maxMessage)} … [${message.length - maxMessage} more characters were cut]`;
}

function lossRemark(lost: number, because: string, next: LogLine | LoggedException | undefined, seq: number): LogLine {
  return {
    seq,
    at: next?.at ?? 0,
    level: 'ERROR',
    source: 'BRIDGE',
    stream: null,
    message: `minifal: ${lost} log lines before this one could not be stored: ${because}.`,
    alias: next?.alias ?? '',
    revision: null,
    runnerId: null,
    requestId: null,
    endpoint: null,
  };
}

import type { LinePlace, LogRow, RunnerException } from '../wire/log-lines.ts';
import type { Reason } from '../wire/reasons.ts';

import type { RowPage, RowQuery } from './rows/types.ts';

export type LogLevel = LogRow['level'];

/**
 * One log line of an app: from a build, a runner, or the platform about a runner. Never from the emulator's own log.
 */
export interface LogLine {
  /** Incremented per line; the cursor of every reader. */
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly level: LogLevel;
  readonly source: 'BUILDER' | 'BRIDGE' | 'USER';
  readonly stream: 'stdout' | 'stderr' | null;
  readonly message: string;
  readonly alias: string;
  readonly revision: string | null;
  readonly runnerId: string | null;
  readonly requestId: string | null;
  readonly endpoint: string | null;
  /**
   * The current state of a line that isn't complete yet: only followers see it, and they see the complete line later.
   */
  readonly unfinished?: true;
  /** The runner's web server wrote it. */
  readonly isServer?: true;
  /** Where it was printed; absent: unknown. */
  readonly place?: LinePlace;
}

/** An exception of an app's code; a row of the log, but no line of the app. */
export interface LoggedException {
  readonly seq: number;
  readonly at: number;
  readonly alias: string;
  readonly revision: string | null;
  readonly runnerId: string | null;
  readonly requestId: string | null;
  readonly endpoint: string | null;
  readonly exception: RunnerException;
}

export interface LogQuery {
  readonly alias?: string;
  readonly revision?: string;
  readonly runnerId?: string;
  readonly requestId?: string;
  /** Case-insensitive substring. */
  readonly search?: string;
  readonly minLevel?: LogLevel;
  /** Only lines that contain a `{"traceback": …}` object. */
  readonly traceback?: boolean;
  /** Inclusive, milliseconds. */
  readonly since?: number;
  /** Exclusive, milliseconds. */
  readonly until?: number;
  readonly limit: number;
  readonly order: 'newest' | 'oldest';
}

/**
 * Logs in SQLite with a size limit: the oldest lines are removed first. Writes are batched; reads see every line that
 * was appended before.
 */
export interface Logs {
  append(line: Omit<LogLine, 'seq'>): void;
  /** Synchronous: for the lines of one request. */
  query(query: LogQuery): readonly LogLine[];
  /** The same in steps, because a filter may have to examine every line. */
  search(query: LogQuery): Promise<readonly LogLine[]>;
  /** Live lines that match (`limit`, `order`, `since`, `until` are ignored); returns a function that unsubscribes. */
  follow(query: Omit<LogQuery, 'limit' | 'order'>, listener: (line: LogLine) => void): () => void;
  /** A page of all rows of the log, exceptions included. Rejects like `RowReader.page`. */
  page(query: RowQuery, signal: AbortSignal): Promise<RowPage>;
  /** The number of the latest row; 0: there is none. */
  lastSeq(): number;
  /** Calls `listener` after each row that is added; returns a function that unsubscribes. */
  followRows(listener: () => void): () => void;
  /** Adds an exception to the log. The line APIs above don't have it. */
  appendException(exception: Omit<LoggedException, 'seq'>): void;
  /** The latest exception of a request, or that a runner raised before or outside of requests. */
  exceptionOf(owner: { readonly requestId: string } | { readonly runnerId: string }): RunnerException | undefined;
  /** Calls `listener` for each new exception; returns a function that unsubscribes. */
  followExceptions(listener: (exception: LoggedException) => void): () => void;
  close(): void;
}

/** A runner as users saw it, kept for 24 h after its end (`fal runners list --since`). */
export interface RunnerRecord {
  readonly id: string;
  /** For people: `runner 2` of its alias. In the order of the starts; never used again while the data folder lives. */
  readonly number: number;
  readonly alias: string;
  /** Of a run: the name that `fal` has for its app. */
  readonly appName?: string;
  readonly revision: string;
  readonly machineType: string;
  readonly startedAt: number;
  readonly endedAt: number | null;
  readonly endReason: string | null;
}

/** One change of a runner's state, as shown to users. */
export interface RunnerTransition {
  readonly at: number;
  /** The platform's name: PENDING, SETUP, IDLE … */
  readonly state: string;
  /** The rule or event that caused it, as a sentence; `null`: nothing to add. */
  readonly reason: string | null;
  /** In FAILURE_DELAY: what it waits for. */
  readonly waitsFor?: Reason | undefined;
}

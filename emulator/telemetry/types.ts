export type LogLevel = 'TRACE' | 'DEBUG' | 'INFO' | 'WARNING' | 'ERROR' | 'STDOUT' | 'STDERR';

/** One line of an app: a build, a runner or the platform speaking about a runner. Never the emulator's own log. */
export interface LogLine {
  /** Grows by one per line; the cursor of every reader. */
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
   * The present state of a line that isn't over yet: only those who follow see it, and they see the whole line later.
   */
  readonly unfinished?: true;
}

export interface LogQuery {
  readonly alias?: string;
  readonly revision?: string;
  readonly runnerId?: string;
  readonly requestId?: string;
  /** Case-insensitive substring. */
  readonly search?: string;
  readonly minLevel?: LogLevel;
  /** Only lines that hold a `{"traceback": …}` object. */
  readonly traceback?: boolean;
  /** Inclusive, milliseconds. */
  readonly since?: number;
  /** Exclusive, milliseconds. */
  readonly until?: number;
  readonly limit: number;
  readonly order: 'newest' | 'oldest';
}

/**
 * Logs in SQLite with a size cap: the oldest lines go first. Writes are batched; reads see every line appended before.
 */
export interface Logs {
  append(line: Omit<LogLine, 'seq'>): void;
  /** At once: for the lines of one request. */
  query(query: LogQuery): readonly LogLine[];
  /** The same some lines at a time, because a filter may have to look at every line there is. */
  search(query: LogQuery): Promise<readonly LogLine[]>;
  /** Live lines that match (`limit`, `order`, `since`, `until` are ignored); returns the unsubscriber. */
  follow(query: Omit<LogQuery, 'limit' | 'order'>, listener: (line: LogLine) => void): () => void;
  close(): void;
}

/** A runner as people saw it, kept for 24 h after its end (`fal runners list --since`). */
export interface RunnerRecord {
  readonly id: string;
  readonly alias: string;
  readonly revision: string;
  readonly machineType: string;
  readonly startedAt: number;
  readonly endedAt: number | null;
  readonly endReason: string | null;
}

/** One change of a runner's state, as people read it. */
export interface RunnerTransition {
  readonly at: number;
  /** The platform's word: PENDING, SETUP, IDLE … */
  readonly state: string;
  /** Which rule or event caused it, a sentence; `null`: nothing to add. */
  readonly reason: string | null;
}

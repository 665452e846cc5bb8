import type { RequestInfo } from '../../scheduler/types.ts';
import type { LastMinute } from './last-minute.ts';

/** A request, with what people want to know about it and the scheduler doesn't. */
export interface CallInfo extends RequestInfo {
  readonly channel: 'queue' | 'direct' | 'socket' | 'function';
  readonly method: string;
  /** Path in the app, begins with `/`. */
  readonly path: string;
  /** No person made it: it is not traced. */
  readonly isUnlisted?: true;
  /** It takes no slot of a runner that is ready, and changes nothing about it; what it does if none is. */
  readonly aside?: 'or waits' | 'or fails';
}

/** One attempt of a request on a runner. */
export interface RequestAttempt {
  /** 1 for the first one. */
  readonly number: number;
  readonly runner: { readonly id: string; readonly number: number };
  readonly startedAt: number;
  /** `null`: it runs, or nobody saw its end. */
  readonly endedAt: number | null;
  /** HTTP status of the app's response; `null`: there was none. */
  readonly status: number | null;
  /** Why it isn't the result: why another attempt followed, or what cut it off; `null`: it is, or it runs. */
  readonly because: string | null;
}

interface RequestError {
  /** The platform's error, or the exception that the app raised. */
  readonly type: string;
  readonly message: string;
  /** Where the app raised it. */
  readonly file: string | null;
  readonly line: number | null;
}

/** A request as people see it, of the queue or direct. Instants are milliseconds since the epoch. */
export interface TracedRequest {
  /** `#38`: grows with each request of the data folder. */
  readonly number: number;
  readonly id: string;
  readonly alias: string;
  /** Of a run: the name that `fal` has for its app. */
  readonly appName?: string;
  readonly kind: 'queue' | 'direct' | 'socket' | 'function';
  readonly method: string;
  /** Path in the app, begins with `/`. */
  readonly path: string;
  readonly phase: 'IN_QUEUE' | 'IN_PROGRESS' | 'COMPLETED';
  readonly submittedAt: number;
  /** Start of the latest attempt. */
  readonly startedAt: number | null;
  readonly completedAt: number | null;
  /** Number of attempts begun. */
  readonly attempts: number;
  /** The runner of the latest attempt, and its revision. */
  readonly runner: { readonly id: string; readonly number: number } | null;
  readonly revision: string | null;
  /** How long it waited for that runner to start; `null`: the runner was ready before it, or it waited for others. */
  readonly coldMs: number | null;
  readonly status: number | null;
  readonly error: RequestError | null;
  /** Oldest first; the first and the latest ones of very many. */
  readonly history: readonly RequestAttempt[];
}

/** Calls of one endpoint of an app since its revision came into force. */
export interface EndpointStats {
  readonly method: string;
  readonly path: string;
  /** Finished calls. */
  readonly calls: number;
  readonly failures: number;
  /** Milliseconds on the runner of the last calls that the app answered. */
  readonly durations: readonly number[];
  /** `null` when a call that began later succeeded. `at`: when it ended, in milliseconds since the epoch. */
  readonly lastFailure: { readonly request: number; readonly message: string; readonly at: number } | null;
}

export interface PageQuery {
  /** Only smaller numbers; absent: from the newest on. */
  readonly before?: number;
  readonly alias?: string;
  readonly state?: 'waiting' | 'running' | 'done' | 'failed';
  /** Part of the path, the id, or the error. ASCII letters are case-insensitive. */
  readonly text?: string;
  readonly limit: number;
}

export interface Page {
  /** Newest first. May be fewer than wanted, even none, although there are more. */
  readonly requests: readonly TracedRequest[];
  /** `before` of the next page; `null`: there are no more. */
  readonly before: number | null;
}

/** What the fleet reports about each request, in this order. Unknown ids are ignored. Must not throw. */
export interface RequestTrace {
  /** `earlier`: what an emulator before a restart knew about it. */
  arrived(
    request: Pick<TracedRequest, 'number' | 'id' | 'alias' | 'kind' | 'method' | 'path' | 'submittedAt'> & {
      readonly attempts: number;
    },
  ): void;
  /** An attempt begins. `readyAt`: when its runner first became ready. */
  began(
    id: string,
    attempt: {
      readonly runnerId: string;
      readonly revision: string;
      readonly readyAt: number | undefined;
      readonly at: number;
    },
  ): void;
  /** The latest attempt got this response; what follows from it comes later. */
  answered(id: string, status: number): void;
  requeued(id: string, at: number, because: string): void;
  /** `error`: the platform's; `null`: the response of the latest attempt is the result. */
  ended(
    id: string,
    at: number,
    error: { readonly type: string; readonly status: number; readonly detail: string } | null,
  ): void;
}

export interface RequestHistory extends RequestTrace {
  /** The request of a workflow runs. It has no runner: the requests of its nodes do. */
  workflowBegan(id: string, at: number): void;
  /**
   * Adds what the app raised on this runner to a request that runs or ended a moment ago. Ignored for others, and for
   * an attempt that is not the latest one.
   * @returns `false`: the request is known, and was never on this runner, so its app named a request of another one
   */
  raised(id: string, runnerId: string, error: RequestError): boolean;
  /** By number, or by `request_id`: among the newest requests, and those that wait or run. */
  get(key: string): TracedRequest | undefined;
  /** A request that isn't COMPLETED. */
  live(id: string): TracedRequest | undefined;
  /** Rejects with the signal's reason when it fires. */
  page(query: PageQuery, signal: AbortSignal): Promise<Page>;
  /** At most `max` each: those that arrived last and wait, that began last and run, and that ended last. */
  recent(max: number): { readonly [P in 'waiting' | 'running' | 'finished']: readonly TracedRequest[] };
  counts(): { readonly waiting: number; readonly running: number; readonly finished: number };
  /** Requests of the alias on runners. */
  running(alias: string): number;
  /** Counts of all apps' requests; calls of plain functions aren't requests of an app. */
  lastMinute(now: number): LastMinute;
  /** Those called last first. `undefined`: no call of this revision has finished. */
  endpoints(alias: string, revision: string): readonly EndpointStats[] | undefined;
  /** Calls of a `fal run` go to this revision from now on; its counts go on, without the last failures. */
  reloaded(alias: string, revision: string): void;
  /** Calls `listener` after each change. Returns a function that unsubscribes. */
  follow(listener: (alias: string) => void): () => void;
  /** The highest number in use; 0: none. */
  lastNumber(): number;
  /**
   * After a start, when all requests of the queue have arrived again: ends those that did not. `endOf`: how the queue
   * says that a request ended; `undefined`: it doesn't know the request, or it isn't in the queue.
   */
  concludeRecovery(endOf: (id: string) => Pick<TracedRequest, 'completedAt' | 'status' | 'error'> | undefined): void;
  /** Forgets old requests: those that are too many, and those whose retention is over at `now`. In small steps. */
  prune(now: number): Promise<void>;
  close(): void;
}

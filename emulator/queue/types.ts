import type { Recovered, RequestId, Retried } from '../scheduler/types.ts';
import type { PlatformError } from '../wire/errors.ts';

/** A queued request as the caller submitted it, with everything needed to run it again after a crash. */
export interface SubmittedRequest {
  readonly id: RequestId;
  /** Wire name of the alias. */
  readonly alias: string;
  /** `user_id` of the caller; follow-up URLs answer this account and the owner only. */
  readonly callerId: string;
  readonly method: string;
  /** Path in the app, begins with `/`, includes the sub-path. */
  readonly path: string;
  /** Query without the gateway's own keys, without `?`. */
  readonly query: string;
  /** Headers to pass to the app: lowercase names, already filtered by the gateway. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array;
  readonly priority: 'normal' | 'low';
  readonly submittedAt: number;
  readonly startBy: number | null;
  readonly hint: string | null;
  readonly noRetry: boolean;
  /** `X-Fal-Retry-Config`, checked. */
  readonly retries: { readonly server_error?: number; readonly timeout?: number; readonly connection_error?: number };
  /** `X-Fal-Store-IO: 0` clears input after completion. */
  readonly storeIo: boolean;
  readonly webhook: string | null;
}

/** The caller's options for the scheduler. */
export type RequestOptions = Pick<SubmittedRequest, 'priority' | 'startBy' | 'hint' | 'noRetry' | 'retries'>;

/** Everything the scheduler needs to know about a waiting request; the rest is read when an attempt begins. */
export type WaitingRequest = Pick<SubmittedRequest, 'id' | 'alias' | 'method' | 'path' | 'submittedAt'> &
  RequestOptions;

export interface StoredResponse {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array;
}

type RequestPhase = 'IN_QUEUE' | 'IN_PROGRESS' | 'COMPLETED';

/** The fields that status polling needs; in memory for unfinished requests. */
export interface RequestRecord {
  readonly id: RequestId;
  readonly alias: string;
  readonly callerId: string;
  readonly method: string;
  readonly path: string;
  readonly phase: RequestPhase;
  readonly submittedAt: number;
  /** `gateway_request_id` of the latest attempt. */
  readonly attemptId: string;
  readonly attempts: number;
  /** Retries granted so far. */
  readonly retried: Retried;
  /** Start of the latest attempt. */
  readonly startedAt: number | null;
  readonly completedAt: number | null;
  readonly runnerId: string | null;
  /** The caller cancelled the request while it ran: no further attempt is made. */
  readonly cancelRequested: boolean;
  /** COMPLETED only: HTTP code of the result. */
  readonly status: number | null;
  readonly error: { readonly type: string; readonly detail: string } | null;
}

export type RequestOutcome =
  | { readonly kind: 'response'; readonly response: StoredResponse }
  | { readonly kind: 'error'; readonly error: PlatformError };

/**
 * The durable queue: in queue -> in progress -> completed, one transaction per step, group-committed. The queue only
 * stores; the scheduler decides what happens next.
 */
export interface Queue {
  /**
   * Resolves when the request is on disk (WAL, synchronous=FULL); only then may the caller get an answer. While the
   * disk is full, rejects with DiskTrouble or, with `keep`, waits for space. `also` writes in the same transaction.
   */
  submit(request: SubmittedRequest, whenFull?: 'refuse' | 'keep', also?: () => void): Promise<void>;
  /**
   * IN_PROGRESS: an attempt begins on a runner. Durable with the next group commit, when the promise resolves to
   * whether it was written. With `keep`, waits while the disk is full. Never rejects.
   */
  begin(
    id: RequestId,
    attempt: { readonly attemptId: string; readonly runnerId: string; readonly at: number },
    whenFull?: 'refuse' | 'keep',
  ): Promise<boolean>;
  /**
   * The caller cancels a running request. Durable with the next group commit. After a restart the request doesn't run
   * again but ends with 499.
   */
  cancelRequested(id: RequestId): void;
  /** Back to IN_QUEUE after a failed attempt, with the retries granted so far. */
  requeue(id: RequestId, retried?: Retried): void;
  /**
   * COMPLETED, exactly once: a second call is ignored and resolves to `false`. Resolves when the result is on disk,
   * even if the disk is full for a while.
   */
  complete(id: RequestId, outcome: RequestOutcome, at: number): Promise<boolean>;
  /** `#38` for people: the number of a request of this queue. `undefined`: unknown. */
  number(id: RequestId): number | undefined;
  /** A number for a request that isn't in the queue. Numbers grow, and are the same for both kinds of requests. */
  takeNumber(): number;
  /** Read from memory for unfinished and recently finished requests, otherwise from disk. */
  record(id: RequestId): RequestRecord | undefined;
  /** The stored result of a COMPLETED request. */
  result(id: RequestId): RequestOutcome | undefined;
  /** The request as submitted, for its executor; `undefined`: unknown, or the stored data is damaged. */
  submitted(id: RequestId): SubmittedRequest | undefined;
  /**
   * Every request that isn't COMPLETED, oldest first, with its attempts so far: input for the scheduler after a start.
   * Read from memory. Inputs stay on disk until their attempts begin, because reading all of them could take too much
   * time and memory.
   */
  unfinished(): Iterable<{ readonly request: WaitingRequest; readonly attempts: number } & Recovered>;
  /**
   * Calls `listener` after each change of phase (for status streams and waiters). Returns a function that unsubscribes.
   */
  onChange(id: RequestId, listener: (record: RequestRecord) => void): () => void;
  /** Most recent requests of an alias, newest first. */
  recent(alias: string, limit: number): readonly RequestRecord[];
  /** Resolves when all earlier writes are on disk; rejects when they can't be written. */
  settled(): Promise<void>;
  /** Commits pending writes and closes. */
  close(): Promise<void>;
}

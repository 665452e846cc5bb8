import type { Recovered, RequestId, Retried } from '../scheduler/types.ts';
import type { PlatformError } from '../wire/errors.ts';

/** A queued request as the caller submitted it: enough to perform it again after a crash. */
export interface SubmittedRequest {
  readonly id: RequestId;
  /** Wire name of the alias. */
  readonly alias: string;
  /** `user_id` of the caller; follow-up URLs answer this account and the owner only. */
  readonly callerId: string;
  readonly method: string;
  /** Path at the app, begins with `/`; sub-path included. */
  readonly path: string;
  /** Query without the gateway's own keys, without `?`. */
  readonly query: string;
  /** Headers to hand to the app, lower-case names, already cleaned by the gateway. */
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

/** What its caller wants of the scheduler. */
export type Wishes = Pick<SubmittedRequest, 'priority' | 'startBy' | 'hint' | 'noRetry' | 'retries'>;

/** All that the scheduler must know of a request that waits; the rest is read when an attempt begins. */
export type WaitingRequest = Pick<SubmittedRequest, 'id' | 'alias' | 'submittedAt'> & Wishes;

export interface StoredResponse {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array;
}

type RequestPhase = 'IN_QUEUE' | 'IN_PROGRESS' | 'COMPLETED';

/** What status polling needs, answered from memory for requests that are not finished. */
export interface RequestRecord {
  readonly id: RequestId;
  readonly alias: string;
  readonly callerId: string;
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
  /** Its caller wanted it stopped while it ran: no other attempt of it is made. */
  readonly cancelRequested: boolean;
  /** COMPLETED only: HTTP code of the result. */
  readonly status: number | null;
  readonly error: { readonly type: string; readonly detail: string } | null;
}

export type RequestOutcome =
  | { readonly kind: 'response'; readonly response: StoredResponse }
  | { readonly kind: 'error'; readonly error: PlatformError };

/**
 * The durable queue: in queue -> in progress -> completed, one transaction per step, group-committed.
 * It stores and remembers; what happens next is the scheduler's decision.
 */
export interface Queue {
  /**
   * Resolves when the request is on disk (WAL, synchronous=FULL); only then may the caller hear of it. While the disk
   * is full it rejects with DiskTrouble, or (`keep`) waits for room. `also` is written with it, or not at all.
   */
  submit(request: SubmittedRequest, whenFull?: 'refuse' | 'keep', also?: () => void): Promise<void>;
  /**
   * IN_PROGRESS: an attempt begins on a runner. Durable with the next group commit; resolves then, to whether it was
   * written. With `keep` a full disk is waited for. Never rejects.
   */
  begin(
    id: RequestId,
    attempt: { readonly attemptId: string; readonly runnerId: string; readonly at: number },
    whenFull?: 'refuse' | 'keep',
  ): Promise<boolean>;
  /**
   * Its caller wants a running one stopped. Durable with the next group commit; after a restart it is not run again but
   * ends with 499.
   */
  cancelRequested(id: RequestId): void;
  /** Back to IN_QUEUE after a failed attempt, with the retries granted so far. */
  requeue(id: RequestId, retried?: Retried): void;
  /**
   * COMPLETED; exactly once: a second call is ignored and answers false. Resolves when on disk, be it that the disk was
   * full meanwhile.
   */
  complete(id: RequestId, outcome: RequestOutcome, at: number): Promise<boolean>;
  /** From memory for unfinished and recently finished requests, else from disk. */
  record(id: RequestId): RequestRecord | undefined;
  /** The stored result of a COMPLETED request. */
  result(id: RequestId): RequestOutcome | undefined;
  /** The request as submitted, for its executor; `undefined`: unknown, or what is stored of it is damaged. */
  submitted(id: RequestId): SubmittedRequest | undefined;
  /**
   * Every request that isn't COMPLETED, oldest first, with its attempts so far: fed to the scheduler after a start.
   * From memory: inputs stay on disk until their attempts begin, because there may be more of them than time or memory.
   */
  unfinished(): Iterable<{ readonly request: WaitingRequest; readonly attempts: number } & Recovered>;
  /** Called after each change of phase (for status streams and waiters); returns the unsubscriber. */
  onChange(id: RequestId, listener: (record: RequestRecord) => void): () => void;
  /** Most recent requests of an alias, newest first. */
  recent(alias: string, limit: number): readonly RequestRecord[];
  /** Resolves when everything that was handed in before is on disk; rejects when it can't be written. */
  settled(): Promise<void>;
  /** Commits what is pending and closes. */
  close(): Promise<void>;
}

import { createGroupCommit } from '../store/group-commit.ts';
import type { Store } from '../store/open.ts';
import { outcomeBytes } from './bodies.ts';
import { bodyRows } from './body-records.ts';
import { type FinishedRow, finishedRows, isTakenId, type RecordRow, requestRows } from './request-records.ts';
import type { RequestOutcome, SubmittedRequest } from './types.ts';

/** A request with this ID already exists. */
export class DuplicateId extends Error {
  constructor(id: string) {
    super(`request ${id} already exists`);
  }
}

/**
 * The queue's data on disk. In this folder, only this file and the two that it is built from access the store.
 *
 * - Atomic: each call. `accept` stores a request, its input and what the caller writes with it. `complete` and `end`
 *   store the last record and the result, and remove an input that the caller did not want stored. `finished.drop`
 *   removes requests with their inputs and results. Calls of one turn of the event loop share a transaction; a failed
 *   call doesn't roll back the others.
 * - Durable, including power loss (a store with synchronous=FULL): asynchronous calls when their promise resolves, all
 *   other calls when they return. While the disk can't be written, `refuse` rejects with DiskTrouble and `keep` waits
 *   for space. A waiting write may happen after later changes of the same request, so `update` reads the row only when
 *   it writes.
 * - Loaded: whole rows only. A row with a wrong checksum is treated as missing; the store's notices report each lost
 *   record.
 * - Excluded: two requests with one ID (`accept` rejects with TakenId, even if the first one is only on disk), and a
 *   second process. The caller ensures that a request ends once and doesn't change after its end.
 */
export interface QueueRecords {
  accept(row: RecordRow, request: SubmittedRequest, whenFull?: WhenFull, also?: () => void): Promise<void>;
  /** `present` is called at the time of the write; `undefined`: there is nothing left to write. */
  update(present: () => RecordRow | undefined, whenFull?: WhenFull): Promise<void>;
  /** Waits for disk space. */
  complete(row: RecordRow, outcome: RequestOutcome): Promise<void>;
  /** As `complete`, but synchronous. @throws DiskTrouble */
  end(row: RecordRow, outcome: RequestOutcome): void;

  find(id: string): RecordRow | undefined;
  /** Newest first; damaged ones are left out. */
  newest(alias: string, limit: number): readonly RecordRow[];
  /** Oldest first. Damaged requests are removed: they can neither be run nor answered. */
  unfinished(): readonly RecordRow[];
  /** `undefined`: missing or damaged. */
  input(seq: number): SubmittedRequest | undefined;
  /** `undefined`: missing or damaged. */
  outcome(seq: number): RequestOutcome | undefined;
  /** The highest number in use; 0: none. */
  lastSeq(): number;

  readonly finished: FinishedRecords;
  /** Shows a message to the user, once. */
  notice(sentence: string): void;
  /** Resolves when all earlier writes are on disk. @throws DiskTrouble when they can't be written now */
  settled(): Promise<void>;
  /** Commits pending writes; waits at most `patienceMs` for another program's lock. */
  close(patienceMs: number): Promise<void>;
}

type WhenFull = 'refuse' | 'keep';

/** Finished requests as retention sees them. */
export interface FinishedRecords {
  /** At most `most` requests completed at or before `until`, earliest first. */
  oldest(until: number, most: number): readonly FinishedRow[];
  /**
   * The total size of the bodies of the next `most` requests completed after `after`, and when the last of them
   * completed; `undefined`: there are none.
   */
  bytesAfter(after: number, most: number): { readonly bytes: number; readonly last: number } | undefined;
  /** @throws DiskTrouble */
  drop(those: readonly Pick<FinishedRow, 'seq'>[]): void;
  /** Returns up to `pages` free pages to the file system. */
  shrink(pages: number): void;
}

export function queueRecords(store: Store): QueueRecords {
  const commits = createGroupCommit(store);
  const requests = requestRows(store);
  const bodies = bodyRows(store);

  function insert(row: RecordRow, request: SubmittedRequest): void {
    try {
      requests.insert(row, request.body.length);
    } catch (error) {
      throw isTakenId(error) ? new DuplicateId(request.id) : error;
    }
    bodies.putInput(request, row.seq);
  }

  /** Deletes the input if the caller asked for that (docs/platform/gateway.md#storage). */
  function finish({ seq, storeIo, record }: RecordRow, outcome: RequestOutcome): void {
    requests.update({ seq, storeIo, record });
    bodies.putOutcome(outcome, seq);
    if (storeIo) {
      requests.grow(seq, outcomeBytes(outcome));
    } else {
      bodies.clearInput(seq);
      requests.resize(seq, outcomeBytes(outcome));
    }
  }

  return {
    accept: (row, request, whenFull, also) =>
      commits.write(() => {
        also?.();
        insert(row, request);
      }, whenFull),
    update: (present, whenFull) =>
      commits.write(() => {
        const row = present();
        if (row) requests.update(row);
      }, whenFull),
    complete: (row, outcome) => commits.write(() => finish(row, outcome), 'keep'),
    end: (row, outcome) => store.transaction(() => finish(row, outcome)),

    find: requests.find,
    newest: requests.newest,
    unfinished: requests.unfinished,
    input: bodies.input,
    outcome: bodies.outcome,
    lastSeq: requests.lastSeq,

    finished: createFinishedRecords(store),
    notice: store.notice,
    async settled() {
      await commits.write(() => undefined);
      // This empty transaction succeeds on a full disk, although kept writes still wait for space.
      const trouble = store.trouble();
      if (trouble) throw trouble;
    },
    close: commits.close,
  };
}

function createFinishedRecords(store: Store): FinishedRecords {
  const { oldest, bytesAfter, remove, shrink } = finishedRows(store);
  return {
    oldest,
    bytesAfter,
    drop: (those) =>
      store.transaction(() => {
        for (const { seq } of those) remove(seq);
      }),
    shrink,
  };
}

/**
 * Deletes every finished request, whatever its age, except those in `keep`. Only for a store without an open queue.
 * @returns the number of deleted requests
 */
export function dropFinished(store: Store, keep: ReadonlySet<string>): number {
  const { all, remove, shrink } = finishedRows(store);
  const dropped = all().filter(({ id }) => !keep.has(id));
  store.transaction(() => {
    for (const { seq } of dropped) remove(seq);
  });
  shrink('all');
  return dropped.length;
}

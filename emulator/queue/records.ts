import { createGroupCommit } from '../store/group-commit.ts';
import type { Store } from '../store/open.ts';
import { outcomeBytes } from './bodies.ts';
import { bodyRows } from './body-records.ts';
import { type FinishedRow, finishedRows, isTakenId, type RecordRow, requestRows } from './request-records.ts';
import type { RequestOutcome, SubmittedRequest } from './types.ts';

/** There is a request of this id already. */
export class TakenId extends Error {
  constructor(id: string) {
    super(`request ${id} exists already`);
  }
}

/**
 * What the queue has on disk: with the two files that it is made of, all of this room that knows the store.
 *
 * - Atomic: each call. `accept` stores a request, its input and what its caller writes with it; `complete` and `end`
 *   the last record and the result, and they remove an input that its caller did not want kept; `finished.drop` removes
 *   its requests with inputs and results. Calls of one turn of the event loop share a transaction, and none undoes
 *   another.
 * - Durable, power loss included (a store with synchronous=FULL): what gives a promise when that resolves, everything
 *   else when it returns. While the disk takes no writes, `refuse` rejects with DiskTrouble and `keep` waits for room.
 *   What waits may be written after later changes of the same request: that is why `update` asks for the row only then.
 * - Loaded: whole rows only. One whose checksum differs is as if it were not there; where a record was lost the store's
 *   notices say so.
 * - Excluded: two requests of one id (`accept` rejects with TakenId, also where only the disk knows the first), and a
 *   second process. That nothing changes after the end, and that there is one end, is the caller's business.
 */
export interface QueueRecords {
  accept(row: RecordRow, request: SubmittedRequest, whenFull?: WhenFull, also?: () => void): Promise<void>;
  /** `present` is asked when it is written; `undefined`: there is nothing to write any more. */
  update(present: () => RecordRow | undefined, whenFull?: WhenFull): Promise<void>;
  /** Waits for room. */
  complete(row: RecordRow, outcome: RequestOutcome): Promise<void>;
  /** `complete` at once. @throws DiskTrouble */
  end(row: RecordRow, outcome: RequestOutcome): void;

  find(id: string): RecordRow | undefined;
  /** Newest first; damaged ones are left out. */
  newest(alias: string, limit: number): readonly RecordRow[];
  /** Oldest first. Damaged ones can neither be performed nor answered: they are removed. */
  unfinished(): readonly RecordRow[];
  /** `undefined`: not there, or damaged. */
  input(seq: number): SubmittedRequest | undefined;
  /** `undefined`: not there, or damaged. */
  outcome(seq: number): RequestOutcome | undefined;
  /** The highest number in use; 0: none. */
  lastSeq(): number;

  readonly finished: FinishedRecords;
  /** A sentence for the person at the machine, once. */
  notice(sentence: string): void;
  /** Resolves when everything handed in before is on disk. @throws DiskTrouble when it can't be written now */
  settled(): Promise<void>;
  /** Commits what is pending; waits for another program's lock only so long. */
  close(patienceMs: number): Promise<void>;
}

type WhenFull = 'refuse' | 'keep';

/** Finished requests as retention sees them. */
export interface FinishedRecords {
  /** At most so many, completed at `until` or before, the earliest first. */
  oldest(until: number, most: number): readonly FinishedRow[];
  /**
   * The bodies of the next so many that were completed later than `after`, and when the last of those was; `undefined`:
   * there are none.
   */
  bytesAfter(after: number, most: number): { readonly bytes: number; readonly last: number } | undefined;
  /** @throws DiskTrouble */
  drop(those: readonly Pick<FinishedRow, 'seq'>[]): void;
  /** Gives so many freed pages back to the file system. */
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
      throw isTakenId(error) ? new TakenId(request.id) : error;
    }
    bodies.putInput(request, row.seq);
  }

  /** A request whose caller asked for it loses its input (docs/platform/gateway.md#storage). */
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
      // A full disk takes this empty transaction, but not what is kept until there is room.
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
 * Drops every finished request, whatever its age, but those in `keep`. For a store that no queue is open on.
 * @returns how many
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

import { contain, throwLater } from '../local/loop/contain.ts';
import { createGroupCommit } from '../store/group-commit.ts';
import type { Store } from '../store/open.ts';
import { DamagedRow } from '../store/rows.ts';
import { type PlatformError, platformError } from '../wire/errors.ts';
import { createLru } from './lru.ts';
import { pruneInSteps } from './prune.ts';
import {
  completedRecord,
  largestBody,
  newRecord,
  onItsOwn,
  outcomeBytes,
  ownBytes,
  storable,
  wishesOf,
} from './records.ts';
import { isTakenId, queueRows, type RecordRow } from './rows.ts';
import type { Queue, RequestOutcome, RequestRecord, SubmittedRequest } from './types.ts';

export interface QueueOptions {
  readonly store: Store;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** How long finished requests are kept; default 30 days (gateway-http.md §6.2). */
  readonly retentionMs?: number;
  /** Above this sum of stored bodies the oldest finished requests go first; default 4 GiB. */
  readonly maxBytes?: number;
  /**
   * Hears of what a listener threw, or what could not be stored: bugs, which end nothing else. By default they are
   * thrown.
   */
  readonly report?: (error: unknown) => void;
}

export interface DurableQueue extends Queue {
  /**
   * Drops finished requests that are too old, or too many by bytes; resolves to how many. Called at intervals; goes in
   * small steps, so that nobody waits for it, and ends early when the queue is closed.
   */
  prune(now?: number): Promise<number>;
}

const defaultRetentionMs = 30 * 24 * 60 * 60 * 1000;
/** How long a stop waits for another program's lock: what is finished would otherwise run again. */
const closePatienceMs = 5_000;
const mebibyte = 1024 ** 2;
/** What a record costs in memory, about. */
const recordBytes = 1024;

/**
 * The durable queue on an open store. Requests that were in progress when the last emulator ended are IN_QUEUE again.
 *
 * Records of unfinished requests live in memory, so that status polling (every 0.1 s per caller, gateway-http.md §5)
 * never touches the disk; bodies live on disk, the recently used ones cached. A change of phase is seen at once,
 * except the two that are promises: accepted and COMPLETED are seen only after they are on disk.
 * What an `onChange` listener throws is reported; the others are called all the same.
 */
export function createQueue(options: QueueOptions): DurableQueue {
  const { store, clock, retentionMs = defaultRetentionMs, maxBytes = 4096 * mebibyte, report = throwLater } = options;
  const rows = queueRows(store);
  const commits = createGroupCommit(store);
  const live = new Map<string, RecordRow>();
  const finished = createLru<string, RecordRow>({ entries: 10_000, bytes: 16 * mebibyte });
  const inputs = createLru<string, SubmittedRequest>({ entries: 10_000, bytes: 64 * mebibyte });
  const outcomes = createLru<string, RequestOutcome>({ entries: 10_000, bytes: 64 * mebibyte });
  const listeners = new Map<string, Set<(record: RequestRecord) => void>>();
  /** Handed in, not yet on disk. */
  const submitting = new Set<string>();
  /** Their one completion is under way: begin, requeue and a second complete come too late. */
  const completing = new Set<string>();
  /** Those that ran when the last emulator ended. */
  const interrupted = new Set<string>();
  let nextSeq = rows.lastSeq() + 1;
  let closed = false;

  load();

  return {
    async submit(request, whenFull, also) {
      if (closed) throw new Error('the queue is closed');
      if (request.body.length > largestBody) throw new Error(`a body of ${request.body.length} bytes cannot be stored`);
      if (isInMemory(request.id)) throw exists(request.id);
      const row = { seq: nextSeq++, storeIo: request.storeIo, record: newRecord(request), wishes: wishesOf(request) };
      submitting.add(request.id);
      try {
        await commits.write(() => {
          also?.();
          rows.insert(row, request);
        }, whenFull);
        live.set(request.id, row);
        inputs.set(request.id, { ...request, body: ownBytes(request.body) }, request.body.length + recordBytes);
      } catch (error) {
        throw isTakenId(error) ? exists(request.id) : error;
      } finally {
        submitting.delete(request.id);
      }
    },

    begin(id, { attemptId, runnerId, at }, whenFull) {
      const running = { phase: 'IN_PROGRESS', attemptId, runnerId, startedAt: at } as const;
      return change(id, (record) => ({ ...record, ...running, attempts: record.attempts + 1 }), whenFull);
    },

    cancelRequested(id) {
      void change(id, (record) => ({ ...record, cancelRequested: true }));
    },

    requeue(id, retried) {
      void change(id, (record) => ({ ...record, phase: 'IN_QUEUE', retried: retried ?? record.retried }));
    },

    async complete(id, outcome, at) {
      const row = live.get(id);
      if (!row || completing.has(id)) return false;
      completing.add(id);
      try {
        const stored = onItsOwn(storable(outcome));
        await finish(row, stored, at).catch((error: unknown) => {
          // Not a full disk, which would have been waited for. Its caller must get an answer all the same.
          report(error);
          return finish(row, unstorable, at);
        });
      } finally {
        completing.delete(id);
      }
      return true;
    },

    record: (id) => find(id)?.record,

    result(id) {
      const row = find(id);
      if (row?.record.phase !== 'COMPLETED') return undefined;
      const cached = outcomes.get(id);
      if (cached) return cached;
      const outcome = rows.outcome(row.seq);
      if (!outcome) return { kind: 'error', error: platformError('internal_error', 'The stored result was damaged.') };
      outcomes.set(id, outcome, outcomeBytes(outcome) + recordBytes);
      return outcome;
    },

    submitted(id) {
      const row = find(id);
      if (!row) return undefined;
      const input = inputs.get(id) ?? rows.input(row.seq);
      if (!input) report(new DamagedRow(`The stored input of request ${id} is damaged; it can't be performed.`));
      return input;
    },

    *unfinished() {
      for (const id of [...live.keys()]) {
        const row = live.get(id);
        if (!row) continue;
        const wishes = row.wishes ?? rows.input(row.seq);
        const { alias, submittedAt, attempts, retried } = row.record;
        const request = wishes && { id, alias, submittedAt, ...wishesOf(wishes) };
        if (request) yield { request, attempts, retried, interrupted: interrupted.has(id) };
        else {
          end(row, damaged);
          store.notice(`Request ${id} was damaged; it ends with internal_error.`);
        }
      }
    },

    onChange(id, listener) {
      const present = listeners.get(id) ?? new Set();
      listeners.set(id, present.add(listener));
      return () => {
        present.delete(listener);
        if (present.size === 0 && listeners.get(id) === present) listeners.delete(id);
      };
    },

    recent: (alias, limit) => rows.newest(alias, limit).map((row) => (live.get(row.record.id) ?? row).record),

    async settled() {
      await commits.write(() => undefined);
      // A full disk takes this empty transaction, but not what is kept until there is room.
      const trouble = store.trouble();
      if (trouble) throw trouble;
    },

    async prune(now = clock()) {
      let count = 0;
      for await (const dropped of pruneInSteps(store, { now, retentionMs, maxBytes, isOver: () => closed })) {
        for (const id of dropped) for (const cache of [finished, inputs, outcomes]) cache.delete(id);
        count += dropped.length;
      }
      return count;
    },

    async close() {
      closed = true;
      await commits.close(closePatienceMs);
    },
  };

  /** What an attempt is not wanted of any more is answered at once, so that nobody polls for ever. */
  function load(): void {
    for (const row of rows.unfinished()) {
      if (row.record.phase === 'IN_PROGRESS') interrupted.add(row.record.id);
      live.set(row.record.id, { ...row, record: { ...row.record, phase: 'IN_QUEUE' } });
      if (row.record.cancelRequested) end(row, platformError('client_cancelled', 'The request was cancelled.'));
    }
  }

  /** Ends a request that was found after a start, without any attempt. */
  function end(row: RecordRow, error: PlatformError): void {
    const outcome: RequestOutcome = { kind: 'error', error };
    const done = { ...row, record: completedRecord(row.record, outcome, clock()) };
    store.transaction(() => rows.finish(done, outcome));
    live.delete(row.record.id);
    notify(done.record);
  }

  async function finish(row: RecordRow, outcome: RequestOutcome, at: number): Promise<void> {
    const { id } = row.record;
    const done = { seq: row.seq, storeIo: row.storeIo, record: completedRecord(row.record, outcome, at) };
    await commits.write(() => rows.finish(done, outcome), 'keep');
    live.delete(id);
    inputs.delete(id);
    finished.set(id, done, recordBytes);
    outcomes.set(id, outcome, outcomeBytes(outcome) + recordBytes);
    notify(done.record);
  }

  /** Whether it is on disk alone is for the table to say: to ask for it first costs a submit an eighth (measured). */
  function isInMemory(id: string): boolean {
    return submitting.has(id) || live.has(id) || finished.get(id) !== undefined;
  }

  function find(id: string): RecordRow | undefined {
    const known = live.get(id) ?? finished.get(id);
    if (known) return known;
    const row = rows.find(id);
    if (row) finished.set(id, row, recordBytes);
    return row;
  }

  function change(
    id: string,
    next: (record: RequestRecord) => RequestRecord,
    whenFull?: 'refuse' | 'keep',
  ): Promise<boolean> {
    const row = live.get(id);
    if (!row || completing.has(id)) return Promise.resolve(false);
    interrupted.delete(id);
    const changed = { ...row, record: next(row.record) };
    live.set(id, changed);
    // A write that fails is made good by the next one of this request, which writes the whole record again;
    // a crash before that only forgets that an attempt began. One that is kept may come after later ones: what is true
    // then counts, and nothing once the end is under way.
    const write = (): void => {
      const now = completing.has(id) ? undefined : live.get(id);
      if (now) rows.update(now);
    };
    const written = commits.write(write, whenFull).then(
      () => true,
      () => false,
    );
    if (changed.record.phase !== row.record.phase) notify(changed.record);
    return written;
  }

  function notify(record: RequestRecord): void {
    for (const listener of [...(listeners.get(record.id) ?? [])]) contain(report, listener)(record);
  }
}

function exists(id: string): Error {
  return new Error(`request ${id} exists already`);
}

const damaged = platformError('internal_error', 'The stored request was damaged and could not be performed.');

const unstorable: RequestOutcome = {
  kind: 'error',
  error: platformError('internal_error', 'The result could not be stored.'),
};

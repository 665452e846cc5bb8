import { type Report, throwLater } from '../local/loop/contain.ts';
import type { Store } from '../store/open.ts';
import { DamagedRow } from '../store/rows.ts';
import { platformError } from '../wire/errors.ts';
import { maxBody } from './bodies.ts';
import { createListeners } from './listeners.ts';
import { createMemory } from './memory.ts';
import { pruneInSteps } from './prune.ts';
import { DuplicateId, queueRecords } from './records.ts';
import { recoverQueue } from './recovery.ts';
import { newRecord, requestOptionsOf } from './states.ts';
import { createTransitions } from './transitions.ts';
import type { Queue } from './types.ts';

export interface QueueDeps {
  readonly store: Store;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** How long finished requests are kept; default 30 days (docs/platform/gateway.md#storage). */
  readonly retentionMs?: number;
  /** Numbers up to this one were used by requests that weren't in the queue; default: 0. */
  readonly lastNumber?: number;
  /** Maximum total size of stored bodies; above it the oldest finished requests are deleted. Default: 4 GiB. */
  readonly maxBytes?: number;
  /**
   * Receives errors that a listener threw, and failures to store something. These are bugs; nothing else stops because
   * of them. By default they are thrown.
   */
  readonly report?: Report;
}

export interface DurableQueue extends Queue {
  /**
   * Deletes finished requests that are too old or exceed the size cap; resolves to their number. Called at intervals.
   * Works in small steps so that callers don't wait for it, and stops early when the queue is closed.
   */
  prune(now?: number): Promise<number>;
}

const defaultRetentionMs = 30 * 24 * 60 * 60 * 1000;
const defaultMaxBytes = 4 * 1024 ** 3;
/** How long a shutdown waits for another program's lock. Requests whose completion isn't written would run again. */
const closePatienceMs = 5_000;

/**
 * The durable queue on an open store. Requests that were in progress when the last emulator ended are IN_QUEUE again.
 *
 * A change of phase is visible immediately, except for the two that are promises: accepted and COMPLETED are visible
 * only after they are on disk. An error that an `onChange` listener throws is reported; the other listeners are still
 * called.
 */
export function createQueue(deps: QueueDeps): DurableQueue {
  const { store, clock, retentionMs = defaultRetentionMs, maxBytes = defaultMaxBytes, report = throwLater } = deps;
  const records = queueRecords(store);
  const memory = createMemory(records);
  const listeners = createListeners(report);
  const { end, ...transitions } = createTransitions({ records, memory, listeners, clock, report });
  const { unfinished } = recoverQueue({ records, memory, end });
  /** Submitted, not yet on disk. */
  const submitting = new Set<string>();
  let nextSeq = Math.max(records.lastSeq(), deps.lastNumber ?? 0) + 1;
  let closed = false;

  return {
    async submit(request, whenFull, also) {
      const { id, storeIo, body } = request;
      if (closed) throw new Error('the queue is closed');
      if (body.length > maxBody) throw new Error(`a body of ${body.length} bytes cannot be stored`);
      // The records check for an ID that is only on disk: a query here would make a submit an eighth slower (measured).
      if (submitting.has(id) || memory.has(id)) throw new DuplicateId(id);
      const row = { seq: nextSeq++, storeIo, record: newRecord(request), wishes: requestOptionsOf(request) };
      submitting.add(id);
      try {
        await records.accept(row, request, whenFull, also);
        memory.accepted(row, request);
      } finally {
        submitting.delete(id);
      }
    },

    ...transitions,

    number: (id) => memory.find(id)?.seq,

    takeNumber: () => nextSeq++,

    record: (id) => memory.find(id)?.record,

    result(id) {
      const row = memory.find(id);
      if (row?.record.phase !== 'COMPLETED') return undefined;
      return memory.outcome(row) ?? { kind: 'error', error: damagedResult };
    },

    submitted(id) {
      const row = memory.find(id);
      if (!row) return undefined;
      const input = memory.input(row);
      if (!input) report(new DamagedRow(`The stored input of request ${id} is damaged; it can't be performed.`));
      return input;
    },

    unfinished,

    onChange: listeners.add,

    recent: (alias, limit) => records.newest(alias, limit).map((row) => (memory.live.get(row.record.id) ?? row).record),

    settled: records.settled,

    async prune(now = clock()) {
      let count = 0;
      const retention = { now, retentionMs, maxBytes, isOver: () => closed };
      for await (const dropped of pruneInSteps(records.finished, retention)) {
        memory.dropped(dropped);
        count += dropped.length;
      }
      return count;
    },

    async close() {
      closed = true;
      await records.close(closePatienceMs);
    },
  };
}

const damagedResult = platformError('internal_error', 'The stored result is damaged.');

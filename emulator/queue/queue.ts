import { throwLater } from '../local/loop/contain.ts';
import type { Store } from '../store/open.ts';
import { DamagedRow } from '../store/rows.ts';
import { platformError } from '../wire/errors.ts';
import { maxBody } from './bodies.ts';
import { createListeners } from './listeners.ts';
import { createMemory } from './memory.ts';
import { pruneInSteps } from './prune.ts';
import { queueRecords, TakenId } from './records.ts';
import { takeUp } from './recovery.ts';
import { newRecord, wishesOf } from './states.ts';
import { createTransitions } from './transitions.ts';
import type { Queue } from './types.ts';

export interface QueueOptions {
  readonly store: Store;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** How long finished requests are kept; default 30 days (docs/platform/gateway.md#storage). */
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
const defaultMaxBytes = 4 * 1024 ** 3;
/** How long a stop waits for another program's lock: what is finished would otherwise run again. */
const closePatienceMs = 5_000;

/**
 * The durable queue on an open store. Requests that were in progress when the last emulator ended are IN_QUEUE again.
 *
 * A change of phase is seen at once, except the two that are promises: accepted and COMPLETED are seen only after they
 * are on disk. What an `onChange` listener throws is reported; the others are called all the same.
 */
export function createQueue(options: QueueOptions): DurableQueue {
  const { store, clock, retentionMs = defaultRetentionMs, maxBytes = defaultMaxBytes, report = throwLater } = options;
  const records = queueRecords(store);
  const memory = createMemory(records);
  const listeners = createListeners(report);
  const { end, ...transitions } = createTransitions({ records, memory, listeners, clock, report });
  const { unfinished } = takeUp({ records, memory, end });
  /** Handed in, not yet on disk. */
  const submitting = new Set<string>();
  let nextSeq = records.lastSeq() + 1;
  let closed = false;

  return {
    async submit(request, whenFull, also) {
      const { id, storeIo, body } = request;
      if (closed) throw new Error('the queue is closed');
      if (body.length > maxBody) throw new Error(`a body of ${body.length} bytes cannot be stored`);
      // Whether it is on disk alone is for the records to say: to ask first costs a submit an eighth (measured).
      if (submitting.has(id) || memory.has(id)) throw new TakenId(id);
      const row = { seq: nextSeq++, storeIo, record: newRecord(request), wishes: wishesOf(request) };
      submitting.add(id);
      try {
        await records.accept(row, request, whenFull, also);
        memory.accepted(row, request);
      } finally {
        submitting.delete(id);
      }
    },

    ...transitions,

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

const damagedResult = platformError('internal_error', 'The stored result was damaged.');

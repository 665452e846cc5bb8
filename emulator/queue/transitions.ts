import type { Report } from '../local/loop/contain.ts';
import { type PlatformError, platformError } from '../wire/errors.ts';
import { storable, withOwnBody } from './bodies.ts';
import type { Listeners } from './listeners.ts';
import type { Memory } from './memory.ts';
import type { QueueRecords } from './records.ts';
import type { RecordRow } from './request-records.ts';
import { completedRecord } from './states.ts';
import type { Queue, RequestOutcome, RequestRecord } from './types.ts';

/**
 * The state changes of an accepted request. It is COMPLETED exactly once, and that is visible only when it is on disk.
 * Any other change is visible immediately, and is ignored once the completion has started.
 */
export interface Transitions extends Pick<Queue, 'begin' | 'cancelRequested' | 'requeue' | 'complete'> {
  /** Ends a request found at startup, without an attempt. @throws DiskTrouble */
  end(row: RecordRow, error: PlatformError): void;
}

export function createTransitions(deps: {
  readonly records: Pick<QueueRecords, 'update' | 'complete' | 'end'>;
  readonly memory: Memory;
  readonly listeners: Pick<Listeners, 'notify'>;
  readonly clock: () => number;
  readonly report: Report;
}): Transitions {
  const { records, memory, listeners } = deps;
  /** Requests whose completion is in progress. */
  const completing = new Set<string>();

  function change(
    id: string,
    next: (record: RequestRecord) => RequestRecord,
    whenFull?: 'refuse' | 'keep',
  ): Promise<boolean> {
    const row = memory.live.get(id);
    if (!row || completing.has(id)) return Promise.resolve(false);
    const changed = { ...row, record: next(row.record) };
    memory.changed(changed);
    // The next write of this request makes up for a failed one, because it writes the whole record again. A crash
    // before that only loses the fact that an attempt began. A kept write may happen after later ones: it writes the
    // state of that moment, and nothing once the completion has started.
    const present = () => (completing.has(id) ? undefined : memory.live.get(id));
    const written = records.update(present, whenFull).then(
      () => true,
      () => false,
    );
    if (changed.record.phase !== row.record.phase) listeners.notify(changed.record);
    return written;
  }

  async function finish(row: RecordRow, outcome: RequestOutcome, at: number): Promise<void> {
    const done = { seq: row.seq, storeIo: row.storeIo, record: completedRecord(row.record, outcome, at) };
    await records.complete(done, outcome);
    memory.completed(done, outcome);
    listeners.notify(done.record);
  }

  return {
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
      const row = memory.live.get(id);
      if (!row || completing.has(id)) return false;
      completing.add(id);
      try {
        const stored = withOwnBody(storable(outcome));
        await finish(row, stored, at).catch((error: unknown) => {
          // This isn't a full disk: `keep` would have waited. The caller still needs an answer.
          deps.report(error);
          return finish(row, unstorable, at);
        });
      } finally {
        completing.delete(id);
      }
      return true;
    },

    end(row, error) {
      const outcome: RequestOutcome = { kind: 'error', error };
      const done = { ...row, record: completedRecord(row.record, outcome, deps.clock()) };
      records.end(done, outcome);
      memory.ended(row.record.id);
      listeners.notify(done.record);
    },
  };
}

const unstorable: RequestOutcome = {
  kind: 'error',
  error: platformError('internal_error', 'The result could not be stored.'),
};

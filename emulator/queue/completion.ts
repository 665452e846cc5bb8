import { type PlatformError, platformError } from '../wire/errors.ts';
import { onItsOwn, storable } from './bodies.ts';
import type { Listeners } from './listeners.ts';
import type { Memory } from './memory.ts';
import type { QueueRecords } from './records.ts';
import type { RecordRow } from './request-records.ts';
import { completedRecord } from './states.ts';
import type { Queue, RequestOutcome } from './types.ts';

/** The end of requests: each is COMPLETED exactly once, and seen as that only when it is on disk. */
export interface Completion {
  readonly complete: Queue['complete'];
  /** Its one completion is under way: every other change comes too late. */
  isUnderWay(id: string): boolean;
  /** Ends one that was found after a start, without any attempt. @throws DiskTrouble */
  end(row: RecordRow, error: PlatformError): void;
}

export function createCompletion(deps: {
  readonly records: Pick<QueueRecords, 'complete' | 'end'>;
  readonly memory: Memory;
  readonly listeners: Pick<Listeners, 'notify'>;
  readonly clock: () => number;
  readonly report: (error: unknown) => void;
}): Completion {
  const { records, memory, listeners } = deps;
  const underWay = new Set<string>();

  async function finish(row: RecordRow, outcome: RequestOutcome, at: number): Promise<void> {
    const done = { seq: row.seq, storeIo: row.storeIo, record: completedRecord(row.record, outcome, at) };
    await records.complete(done, outcome);
    memory.completed(done, outcome);
    listeners.notify(done.record);
  }

  return {
    isUnderWay: (id) => underWay.has(id),
    async complete(id, outcome, at) {
      const row = memory.live.get(id);
      if (!row || underWay.has(id)) return false;
      underWay.add(id);
      try {
        const stored = onItsOwn(storable(outcome));
        await finish(row, stored, at).catch((error: unknown) => {
          // Not a full disk, which would have been waited for. Its caller must get an answer all the same.
          deps.report(error);
          return finish(row, unstorable, at);
        });
      } finally {
        underWay.delete(id);
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

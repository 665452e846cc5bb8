import { platformError } from '../wire/errors.ts';
import type { Memory } from './memory.ts';
import type { QueueRecords } from './records.ts';
import type { RecordRow } from './request-records.ts';
import { requestOptionsOf } from './states.ts';
import type { Transitions } from './transitions.ts';
import type { Queue } from './types.ts';

/**
 * Resumes the requests that an earlier emulator accepted and did not complete. Those that were running are IN_QUEUE
 * again. Cancelled ones are answered immediately, so that their callers don't poll indefinitely.
 */
export function recoverQueue(deps: {
  readonly records: Pick<QueueRecords, 'unfinished' | 'input' | 'notice'>;
  readonly memory: Memory;
  readonly end: Transitions['end'];
}): Pick<Queue, 'unfinished'> {
  const { records, memory, end } = deps;
  /** Requests that were running when the last emulator ended, until their first change. */
  const interrupted = new WeakSet<RecordRow>();
  for (const found of records.unfinished()) {
    const { record } = found;
    const row: RecordRow = { ...found, record: { ...record, phase: 'IN_QUEUE' } };
    if (record.phase === 'IN_PROGRESS') interrupted.add(row);
    memory.changed(row);
    if (record.cancelRequested) end(found, platformError('client_cancelled', 'The request was cancelled.'));
  }
  return {
    *unfinished() {
      for (const id of [...memory.live.keys()]) {
        const row = memory.live.get(id);
        if (!row) continue;
        const options = row.wishes ?? records.input(row.seq);
        const { alias, method, path, submittedAt, attempts, retried } = row.record;
        const request = options && { id, alias, method, path, submittedAt, ...requestOptionsOf(options) };
        if (request) yield { request, attempts, retried, interrupted: interrupted.has(row) };
        else {
          end(row, damaged);
          records.notice(`Request ${id} is damaged; it fails with internal_error.`);
        }
      }
    },
  };
}

const damaged = platformError('internal_error', 'The stored request is damaged and cannot be performed.');

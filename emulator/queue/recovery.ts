import { platformError } from '../wire/errors.ts';
import type { Completion } from './completion.ts';
import type { Memory } from './memory.ts';
import type { QueueRecords } from './records.ts';
import { wishesOf } from './states.ts';
import type { Queue } from './types.ts';

/** What a start finds: requests that an earlier emulator accepted and did not complete. */
export interface Recovery {
  readonly unfinished: Queue['unfinished'];
  /** Its state has changed since: what ran when the last emulator ended is known to be another attempt. */
  changed(id: string): void;
}

/** Those that ran are IN_QUEUE again. What is not wanted any more is answered at once, so that nobody polls for ever. */
export function takeUp(deps: {
  readonly records: Pick<QueueRecords, 'unfinished' | 'input' | 'notice'>;
  readonly memory: Memory;
  readonly end: Completion['end'];
}): Recovery {
  const { records, memory, end } = deps;
  const interrupted = new Set<string>();
  for (const row of records.unfinished()) {
    if (row.record.phase === 'IN_PROGRESS') interrupted.add(row.record.id);
    memory.changed({ ...row, record: { ...row.record, phase: 'IN_QUEUE' } });
    if (row.record.cancelRequested) end(row, platformError('client_cancelled', 'The request was cancelled.'));
  }
  return {
    *unfinished() {
      for (const id of [...memory.live.keys()]) {
        const row = memory.live.get(id);
        if (!row) continue;
        const wishes = row.wishes ?? records.input(row.seq);
        const { alias, submittedAt, attempts, retried } = row.record;
        const request = wishes && { id, alias, submittedAt, ...wishesOf(wishes) };
        if (request) yield { request, attempts, retried, interrupted: interrupted.has(id) };
        else {
          end(row, damaged);
          records.notice(`Request ${id} was damaged; it ends with internal_error.`);
        }
      }
    },
    changed: (id) => void interrupted.delete(id),
  };
}

const damaged = platformError('internal_error', 'The stored request was damaged and could not be performed.');

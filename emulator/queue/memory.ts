import { outcomeBytes, ownBytes } from './bodies.ts';
import { createLru } from './lru.ts';
import type { QueueRecords } from './records.ts';
import type { RecordRow } from './request-records.ts';
import type { RequestOutcome, SubmittedRequest } from './types.ts';

const mebibyte = 1024 ** 2;
/** What a record costs in memory, about. */
const recordBytes = 1024;

/**
 * What the queue knows: from memory every request that isn't COMPLETED, so that status polling (every 0.1 s per caller,
 * docs/platform/gateway.md#status) never touches the disk, and what was used last of the others and of the bodies; from
 * disk the rest. Writes nothing.
 */
export interface Memory {
  /** Not COMPLETED, oldest first. */
  readonly live: ReadonlyMap<string, RecordRow>;
  /** Whether it is in memory, finished or not. */
  has(id: string): boolean;
  find(id: string): RecordRow | undefined;
  input(row: RecordRow): SubmittedRequest | undefined;
  outcome(row: RecordRow): RequestOutcome | undefined;

  /** Take up what is on disk, or soon will be. */
  changed(row: RecordRow): void;
  accepted(row: RecordRow, request: SubmittedRequest): void;
  completed(row: RecordRow, outcome: RequestOutcome): void;
  /** COMPLETED; nobody is expected to ask for it soon. */
  ended(id: string): void;
  dropped(ids: readonly string[]): void;
}

export function createMemory(records: Pick<QueueRecords, 'find' | 'input' | 'outcome'>): Memory {
  const live = new Map<string, RecordRow>();
  const finished = createLru<string, RecordRow>({ entries: 10_000, bytes: 16 * mebibyte });
  const inputs = createLru<string, SubmittedRequest>({ entries: 10_000, bytes: 64 * mebibyte });
  const outcomes = createLru<string, RequestOutcome>({ entries: 10_000, bytes: 64 * mebibyte });

  function keepOutcome(id: string, outcome: RequestOutcome): void {
    outcomes.set(id, outcome, outcomeBytes(outcome) + recordBytes);
  }

  return {
    live,
    has: (id) => live.has(id) || finished.get(id) !== undefined,
    find(id) {
      const known = live.get(id) ?? finished.get(id);
      if (known) return known;
      const row = records.find(id);
      if (row) finished.set(id, row, recordBytes);
      return row;
    },
    input: ({ seq, record }) => inputs.get(record.id) ?? records.input(seq),
    outcome({ seq, record }) {
      const known = outcomes.get(record.id);
      if (known) return known;
      const outcome = records.outcome(seq);
      if (outcome) keepOutcome(record.id, outcome);
      return outcome;
    },

    changed: (row) => void live.set(row.record.id, row),
    accepted(row, request) {
      live.set(request.id, row);
      inputs.set(request.id, { ...request, body: ownBytes(request.body) }, request.body.length + recordBytes);
    },
    completed(row, outcome) {
      const { id } = row.record;
      live.delete(id);
      inputs.delete(id);
      finished.set(id, row, recordBytes);
      keepOutcome(id, outcome);
    },
    ended: (id) => void live.delete(id),
    dropped(ids) {
      for (const id of ids) for (const cache of [finished, inputs, outcomes]) cache.delete(id);
    },
  };
}

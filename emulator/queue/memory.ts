import { outcomeBytes, ownBytes } from './bodies.ts';
import { createLru } from './lru.ts';
import type { QueueRecords } from './records.ts';
import type { RecordRow } from './request-records.ts';
import type { RequestOutcome, SubmittedRequest } from './types.ts';

const mebibyte = 1024 ** 2;
/** Approximate memory use of a record. */
const recordBytes = 1024;

/**
 * Read access to the queue. Every request that isn't COMPLETED is in memory, so that status polling (every 0.1 s per
 * caller, docs/platform/gateway.md#status) never reads the disk. The most recently used completed requests and bodies
 * are cached in memory; everything else is read from disk. Writes nothing.
 */
export interface Memory {
  /** Not COMPLETED, oldest first. */
  readonly live: ReadonlyMap<string, RecordRow>;
  /** Whether the request is in memory, completed or not. */
  has(id: string): boolean;
  find(id: string): RecordRow | undefined;
  input(row: RecordRow): SubmittedRequest | undefined;
  outcome(row: RecordRow): RequestOutcome | undefined;

  /** Records a row that is on disk, or soon will be. */
  changed(row: RecordRow): void;
  accepted(row: RecordRow, request: SubmittedRequest): void;
  completed(row: RecordRow, outcome: RequestOutcome): void;
  /** Marks the request as COMPLETED; it isn't expected to be read soon. */
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

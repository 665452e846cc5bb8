import { z } from 'zod';
import { createDocuments } from '../store/documents.ts';
import { createGroupCommit } from '../store/group-commit.ts';
import type { Store } from '../store/open.ts';
import { reasonSchema } from '../wire/reasons.ts';
import { type StartStep, startStepSchema } from '../wire/runner-start.ts';
import type { RunnerRecord, RunnerTransition } from './types.ts';

export interface StoredRunner extends RunnerRecord {
  readonly transitions: readonly RunnerTransition[];
  /** How its start went. */
  readonly steps: readonly StartStep[];
}

/** The format on disk, for all versions of minifal. */
const storedRunner: z.ZodType<StoredRunner> = z.object({
  id: z.string(),
  /** 0: an earlier version of minifal wrote it. */
  number: z.number().default(0),
  alias: z.string(),
  appName: z.string().exactOptional(),
  revision: z.string(),
  machineType: z.string(),
  startedAt: z.number(),
  endedAt: z.number().nullable(),
  endReason: z.string().nullable(),
  transitions: z.array(
    z.object({
      at: z.number(),
      state: z.string(),
      reason: z.string().nullable(),
      waitsFor: reasonSchema.optional(),
    }),
  ),
  /** Earlier versions of minifal didn't write them. */
  steps: z.array(startStepSchema).default([]),
});

/**
 * The runners' history on disk: the only module of this room that accesses the main store.
 *
 * - Atomic: each call. Calls of one turn of the event loop share a transaction, and none rolls back another.
 * - Durable when the promise resolves, including power loss (a store with synchronous=FULL): with the next group commit
 *   or, while the disk accepts nothing, as soon as there is room. It rejects only for reasons other than the disk.
 * - Loaded: complete records only, in the order of the first starts; a damaged one is removed and reported in the
 *   store's notices.
 * - Excluded: a second process. The caller keeps the current values in memory; they are requested when a record is
 *   written, which may be later and more than once.
 */
export interface RunnerRecords {
  load(): readonly StoredRunner[];
  /** Writes what `present` returns at that time; `undefined`: the runner no longer exists, and nothing is written. */
  keep(id: string, present: () => StoredRunner | undefined): Promise<void>;
  remove(ids: readonly string[]): Promise<void>;
}

export function runnerRecords(store: Store): RunnerRecords {
  const documents = createDocuments<StoredRunner>(store, 'runners', storedRunner);
  const commits = createGroupCommit(store);
  return {
    load: () => documents.load().map(({ value }) => value),
    keep(id, present) {
      const write = (): void => {
        const runner = present();
        if (runner) documents.put(id, runner);
      };
      return commits.write(write, 'keep');
    },
    remove(ids) {
      return commits.write(() => ids.forEach(documents.delete), 'keep');
    },
  };
}

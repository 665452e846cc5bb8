import { z } from 'zod';
import { createDocuments } from '../store/documents.ts';
import { createGroupCommit } from '../store/group-commit.ts';
import type { Store } from '../store/open.ts';
import type { RunnerRecord, RunnerTransition } from './types.ts';

export interface StoredRunner extends RunnerRecord {
  readonly transitions: readonly RunnerTransition[];
}

/** On disk, whichever minifal wrote it. */
const storedRunner: z.ZodType<StoredRunner> = z.object({
  id: z.string(),
  alias: z.string(),
  revision: z.string(),
  machineType: z.string(),
  startedAt: z.number(),
  endedAt: z.number().nullable(),
  endReason: z.string().nullable(),
  transitions: z.array(z.object({ at: z.number(), state: z.string(), reason: z.string().nullable() })),
});

/**
 * The runners' history on disk: the only file of this room that knows the promises' store.
 *
 * - Atomic: each call. Calls of one turn of the event loop share a transaction, and none undoes another.
 * - Durable when the promise resolves, power loss included (a store with synchronous=FULL): with the next group commit
 *   or, while the disk takes nothing, as soon as there is room. It rejects for a reason other than the disk only.
 * - Loaded: whole records only, in the order of the first starts; a damaged one is removed, which the store's notices
 *   say.
 * - Excluded: a second process. What is true is in the caller's memory and is asked for when it is written, which may
 *   be later and more than once.
 */
export interface RunnerRecords {
  load(): readonly StoredRunner[];
  /** Writes what `present` says then; `undefined`: it is gone, and nothing is written. */
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

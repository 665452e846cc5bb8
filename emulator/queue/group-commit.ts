import type { Store } from '../store/open.ts';
import { DiskTrouble } from '../wire/disk-trouble.ts';

/**
 * Everything that is written in one turn of the event loop shares one transaction and so one fsync.
 * A group that cannot be committed is undone as a whole, and each of its writers is told; but what is to be kept is written later
 * if only the disk is full.
 */
export interface GroupCommit {
  /** Resolves after COMMIT. `work` runs inside the transaction, in the order of the calls. */
  write(work: () => void, whenFull?: 'refuse' | 'keep'): Promise<void>;
  /** Commits what is pending now. */
  flush(): void;
}

interface Pending {
  readonly work: () => void;
  readonly whenFull: 'refuse' | 'keep';
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export function createGroupCommit(store: Store): GroupCommit {
  let pending: Pending[] = [];
  let scheduled: NodeJS.Immediate | undefined;
  const flush = (): void => {
    clearImmediate(scheduled);
    scheduled = undefined;
    const group = pending;
    pending = [];
    if (group.length === 0) return;
    try {
      store.transaction(() => {
        for (const { work } of group) work();
      });
    } catch (error) {
      for (const { work, whenFull, resolve, reject } of group) {
        if (whenFull === 'keep' && error instanceof DiskTrouble) store.keep(work).then(resolve, reject);
        else reject(error);
      }
      return;
    }
    for (const { resolve } of group) resolve();
  };
  return {
    write: (work, whenFull = 'refuse') =>
      new Promise((resolve, reject) => {
        pending.push({ work, whenFull, resolve, reject });
        scheduled ??= setImmediate(flush);
      }),
    flush,
  };
}

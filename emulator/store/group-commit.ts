import { setTimeout as delay } from 'node:timers/promises';
import { DiskTrouble } from '../local/disk-trouble.ts';
import type { Store } from './open.ts';
import { settle } from './pieces.ts';

/**
 * All writes of one turn of the event loop share one transaction and one sync of the disk, which the loop doesn't wait
 * for; those that come during a sync share the next one. If there are very many, the rest follows in the next turns. A
 * piece that fails is rolled back alone. When the system accepts no writes, the whole group is rolled back, and the
 * pieces that must be kept are written later. If another program holds a lock, refusable pieces wait briefly; pieces
 * that must be kept wait without limit.
 */
export interface GroupCommit {
  /**
   * Resolves when it is on the disk. `work` runs inside the transaction, in the order of the calls, and may run again.
   */
  write(work: () => void, whenFull?: 'refuse' | 'keep'): Promise<void>;
  /** Commits what is pending: now, or when another program's lock ends, but waits only this long for that. */
  close(patienceMs: number): Promise<void>;
}

interface Pending {
  readonly work: () => void;
  readonly whenFull: 'refuse' | 'keep';
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A program that writes a little holds its lock for less time than this, and nobody waits much longer for the answer to
 * a submit.
 */
const lockPatienceMs = 2_000;
const lockPauseMs = 50;
/** The maximum number of pieces in one transaction. Callers wait for it (measured: 20 µs for the end of a request). */
const maxAtOnce = 250;

export function createGroupCommit(store: Store): GroupCommit {
  let pending: Pending[] = [];
  let cancel: (() => void) | undefined;
  let lockedSince: number | undefined;
  /** Groups that are committed, but not on the disk yet. */
  const syncing = new Set<Promise<void>>();

  function flush(): void {
    cancel?.();
    cancel = undefined;
    const group = pending.splice(0, maxAtOnce);
    if (group.length === 0) return;
    commit(group);
    if (pending.length > 0 && !cancel) soon();
  }

  function commit(group: readonly Pending[]): void {
    let errors: readonly unknown[];
    try {
      errors = store.transactEach(group.map(({ work }) => work));
    } catch (error) {
      postpone(group, error);
      return;
    }
    lockedSince = undefined;
    const onDisk = store.synced().then(
      () => settle(group, errors),
      (error: unknown) => group.forEach(({ reject }) => void reject(error)),
    );
    syncing.add(onDisk);
    void onDisk.then(() => syncing.delete(onDisk));
  }

  function postpone(group: readonly Pending[], error: unknown): void {
    if (error instanceof DiskTrouble && error.trouble === 'locked') waitForLock(group, error);
    else {
      for (const { work, whenFull, resolve, reject } of group) {
        if (whenFull === 'keep' && error instanceof DiskTrouble) store.keep(work).then(resolve, reject);
        else reject(error);
      }
    }
  }

  /** The order of kept pieces is preserved: the state of a request must not overtake its end. */
  function waitForLock(group: readonly Pending[], trouble: DiskTrouble): void {
    lockedSince ??= performance.now();
    const refuses = performance.now() - lockedSince > lockPatienceMs;
    for (const { whenFull, reject } of group) if (refuses && whenFull === 'refuse') reject(trouble);
    pending = [...group.filter(({ whenFull }) => !refuses || whenFull === 'keep'), ...pending];
    if (pending.length > 0) later(lockPauseMs);
  }

  /** What is committed during a sync has to wait for the next one: with what comes until then, it is one commit. */
  function soon(): void {
    const sync = store.syncing();
    if (sync) {
      const next = (): void => {
        if (cancel === callOff) flush();
      };
      const callOff = (): void => undefined;
      cancel = callOff;
      void sync.then(next);
      return;
    }
    const next = setImmediate(() => (store.syncing() ? soon() : flush()));
    cancel = () => clearImmediate(next);
  }

  function later(ms: number): void {
    const timer = setTimeout(flush, ms);
    cancel = () => clearTimeout(timer);
  }

  function flushAll(): void {
    do flush();
    while (pending.length > 0 && lockedSince === undefined);
  }

  store.beforeClose(flushAll);

  return {
    write: (work, whenFull = 'refuse') =>
      new Promise((resolve, reject) => {
        pending.push({ work, whenFull, resolve, reject });
        if (cancel) return;
        if (lockedSince === undefined) soon();
        else later(lockPauseMs);
      }),
    async close(patienceMs) {
      const until = performance.now() + patienceMs;
      for (;;) {
        flushAll();
        if (pending.length === 0 || performance.now() > until) break;
        await delay(lockPauseMs);
      }
      const patience = delay(Math.max(0, until - performance.now()), undefined, { ref: false });
      await Promise.race([Promise.all(syncing), patience]);
    },
  };
}

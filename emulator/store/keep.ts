import { asDiskTrouble, type DiskTrouble } from '../local/disk-trouble.ts';
import { settle, type Transactions, transactPieces } from './pieces.ts';
import { createTrouble } from './trouble.ts';

/**
 * Writes of a store while its file takes none (a full, read-only or failing disk, a lock of another program): which are
 * refused, which are kept, and when to try again.
 */
export interface Keeping {
  /** Runs `work` in one transaction. @throws DiskTrouble when the system takes no more writes */
  transaction<T>(work: () => T): T;
  /**
   * Runs all of `pieces` in one transaction, in their order; one that throws is undone alone. A piece may run twice.
   * @returns what each of them threw, `undefined` for those that are committed
   * @throws DiskTrouble when the system takes no more writes: then none is
   */
  transactEach(pieces: readonly (() => void)[]): readonly unknown[];
  /**
   * Runs `work` in one transaction: now, or as soon as the disk takes it. Resolves when it is committed. `work` may run
   * several times, and later than others that were kept after it: it must write what is true when it runs.
   */
  keep(work: () => void): Promise<void>;
  /** Why nothing can be written; `null`: all is well. Only a write that reached the disk ends a trouble. */
  trouble(): DiskTrouble | null;
  /**
   * Calls `listener` in the same turn when a trouble begins, becomes another one, or has passed; returns the
   * unsubscriber. What it throws is nobody else's business.
   */
  followTrouble(listener: () => void): () => void;
  /** Takes note of a trouble that was met elsewhere on the same disk; tries from then on whether it has passed. */
  meet(trouble: DiskTrouble): void;
  /** Tries once more; what is still not written is lost with the memory. */
  close(): void;
}

interface Kept {
  readonly work: () => void;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Pauses between tries: doubling, up to the longest. Someone who has just made room sees it soon. */
const firstPauseMs = 250;
const maxPauseMs = 4_000;
/** What is kept is written in steps of so many, so that calls are answered between them. */
const maxAtOnce = 200;

interface KeepingDeps extends Transactions {
  /**
   * A statement that really writes and leaves all as it was: it alone ends a trouble, because a transaction that
   * happens to write nothing succeeds on any disk.
   */
  readonly probe: () => void;
  /** Whether more than a few pages can be written: a small write may fit where the next one doesn't. */
  readonly hasRoom: () => boolean;
  /** Called once for each kind of trouble, and once (`null`) when all of it has passed. */
  readonly onTrouble: (trouble: DiskTrouble | null) => void;
}

export function createKeeping(deps: KeepingDeps): Keeping {
  let kept: Kept[] = [];
  const trouble = createTrouble(deps.onTrouble);
  let timer: NodeJS.Timeout | undefined;
  let pauseMs = firstPauseMs;

  function meet(met: DiskTrouble): void {
    // A lock ends at once and as a whole: there is no reason to look less and less often.
    if (met.trouble === 'locked') pauseMs = firstPauseMs;
    timer ??= setTimeout(round, pauseMs).unref();
    trouble.began(met);
  }

  /** Writes now or not at all. @throws DiskTrouble, which is met then */
  function meeting<T>(write: () => T): T {
    let value: T;
    try {
      value = write();
    } catch (error) {
      const met = asDiskTrouble(error);
      if (!met) throw error;
      meet(met);
      throw met;
    }
    lookAgain();
    return value;
  }

  /** Whether the trouble has passed: asked when a transaction succeeded. */
  function lookAgain(): void {
    const present = trouble.present();
    if (!present || kept.length > 0) return;
    if (!attempt({ work: deps.probe, resolve: () => undefined, reject: () => undefined })) return;
    if (!deps.hasRoom()) {
      meet(present);
      return;
    }
    pauseMs = firstPauseMs;
    trouble.passed();
  }

  /** `false`: the disk took none of them. */
  function attempt(...entries: readonly Kept[]): boolean {
    const works = entries.map(({ work }) => work);
    let errors: readonly unknown[];
    try {
      errors = transactPieces(deps, works);
    } catch (error) {
      const met = asDiskTrouble(error);
      if (met) meet(met);
      else for (const { reject } of entries) reject(error);
      return !met;
    }
    settle(entries, errors);
    return true;
  }

  function round(): void {
    timer = undefined;
    pauseMs = Math.min(pauseMs * 2, maxPauseMs);
    const some = kept.splice(0, maxAtOnce);
    if (some.length === 0 || attempt(...some)) {
      if (kept.length > 0) timer = setTimeout(round, 0).unref();
      else lookAgain();
      return;
    }
    if (trouble.present()?.trouble === 'locked') {
      kept = [...some, ...kept];
      return;
    }
    // Not together: one of them may be too large for the room that is left, and goes behind the others.
    for (let entry = some.shift(); entry; entry = some.shift()) {
      if (attempt(entry)) continue;
      kept = [...some, ...kept, entry];
      return;
    }
  }

  return {
    transaction: (work) => meeting(() => deps.transact(work)),
    transactEach: (pieces) => meeting(() => transactPieces(deps, pieces)),
    keep: (work) =>
      new Promise((resolve, reject) => {
        const entry = { work, resolve, reject };
        // Each try at a locked file waits a little: those that are kept wait for the next round together.
        if (trouble.present()?.trouble === 'locked' || !attempt(entry)) kept.push(entry);
      }),
    trouble: trouble.present,
    followTrouble: trouble.follow,
    meet,
    close() {
      clearTimeout(timer);
      const last = kept;
      kept = [];
      for (const entry of last) attempt(entry);
      clearTimeout(timer);
    },
  };
}

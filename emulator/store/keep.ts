import { asDiskTrouble, type DiskTrouble } from '../local/disk-trouble.ts';
import { settle, type Transactions, transactPieces } from './pieces.ts';
import { createTrouble } from './trouble.ts';

/**
 * Writes of a store while its file accepts none (a full, read-only, or failing disk, or a lock of another program):
 * which writes are refused, which are kept, and when to try again.
 */
export interface Keeping {
  /**
   * Runs `work` in one transaction.
   * @throws DiskTrouble when the system accepts no more writes
   */
  transaction<T>(work: () => T): T;
  /**
   * Runs all `pieces` in one transaction, in order; a piece that throws is rolled back alone. A piece may run twice.
   * What it commits is on the disk when `synced` of the store has resolved.
   * @returns the error of each piece, `undefined` for committed ones
   * @throws DiskTrouble when the system accepts no more writes; no piece is committed then
   */
  transactEach(pieces: readonly (() => void)[]): readonly unknown[];
  /**
   * Runs `work` in one transaction: now, or as soon as the disk accepts it. Resolves when it is committed. `work` may
   * run several times, and later than other work that was kept after it: it must write what is true when it runs.
   */
  keep(work: () => void): Promise<void>;
  /** Why nothing can be written; `null`: no trouble. Only a write that reached the disk ends a trouble. */
  trouble(): DiskTrouble | null;
  /**
   * Calls `listener` in the same turn when a trouble begins, changes its kind, or has passed; returns a function that
   * unsubscribes. An error of one listener does not affect the others.
   */
  followTrouble(listener: () => void): () => void;
  /** Records a trouble that was found elsewhere on the same disk; from then on, checks whether it has passed. */
  recordTrouble(trouble: DiskTrouble): void;
  /** Tries once more; work that still can't be written is lost when the process ends. */
  close(): void;
}

interface Kept {
  readonly work: () => void;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Pauses between tries: they double up to the maximum, so that freed space is noticed soon. */
const firstPauseMs = 250;
const maxPauseMs = 4_000;
/** The number of kept writes per step, so that calls are answered between the steps. */
const maxAtOnce = 200;

interface KeepingDeps extends Transactions {
  /** A transaction that may not be on the disk yet when it returns. */
  readonly transactLazily: Transactions['transact'];
  /**
   * A statement that performs a real write and leaves all data unchanged. Only such a write ends a trouble, because a
   * transaction that happens to write nothing succeeds on any disk.
   */
  readonly probe: () => void;
  /** Whether more than a few pages can be written: a small write may succeed where the next one doesn't. */
  readonly hasRoom: () => boolean;
  /** Called once for each kind of trouble, and once (`null`) when all of it has passed. */
  readonly onTrouble: (trouble: DiskTrouble | null) => void;
}

export function createKeeping(deps: KeepingDeps): Keeping {
  let kept: Kept[] = [];
  const trouble = createTrouble(deps.onTrouble);
  let timer: NodeJS.Timeout | undefined;
  let pauseMs = firstPauseMs;

  function recordTrouble(met: DiskTrouble): void {
    // A lock ends at once and completely: there is no reason to check less and less often.
    if (met.trouble === 'locked') pauseMs = firstPauseMs;
    timer ??= setTimeout(round, pauseMs).unref();
    trouble.began(met);
  }

  /**
   * Writes now or not at all.
   * @throws DiskTrouble and starts the trouble
   */
  function writeNow<T>(write: () => T): T {
    let value: T;
    try {
      value = write();
    } catch (error) {
      const met = asDiskTrouble(error);
      if (!met) throw error;
      recordTrouble(met);
      throw met;
    }
    checkPassed();
    return value;
  }

  /** Checks whether the trouble has passed, after a transaction succeeded. */
  function checkPassed(): void {
    const present = trouble.present();
    if (!present || kept.length > 0) return;
    if (!attempt({ work: deps.probe, resolve: () => undefined, reject: () => undefined })) return;
    if (!deps.hasRoom()) {
      recordTrouble(present);
      return;
    }
    pauseMs = firstPauseMs;
    trouble.passed();
  }

  /** `false`: the disk accepted none of them. */
  function attempt(...entries: readonly Kept[]): boolean {
    const works = entries.map(({ work }) => work);
    let errors: readonly unknown[];
    try {
      errors = transactPieces(deps, works);
    } catch (error) {
      const met = asDiskTrouble(error);
      if (met) recordTrouble(met);
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
      else checkPassed();
      return;
    }
    if (trouble.present()?.trouble === 'locked') {
      kept = [...some, ...kept];
      return;
    }
    // Each write has its own transaction: if one is too large for the remaining room, it goes to the end of the list.
    for (let entry = some.shift(); entry; entry = some.shift()) {
      if (attempt(entry)) continue;
      kept = [...some, ...kept, entry];
      return;
    }
  }

  return {
    transaction: (work) => writeNow(() => deps.transact(work)),
    transactEach: (pieces) => writeNow(() => transactPieces({ ...deps, transact: deps.transactLazily }, pieces)),
    keep: (work) =>
      new Promise((resolve, reject) => {
        const entry = { work, resolve, reject };
        // Each try on a locked file waits a little, so all other kept writes wait for the next round.
        if (trouble.present()?.trouble === 'locked' || !attempt(entry)) kept.push(entry);
      }),
    trouble: trouble.present,
    followTrouble: trouble.follow,
    recordTrouble,
    close() {
      clearTimeout(timer);
      const last = kept;
      kept = [];
      for (const entry of last) attempt(entry);
      clearTimeout(timer);
    },
  };
}

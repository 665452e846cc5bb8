import { asDiskTrouble, type DiskTrouble, type DiskTroubleKind } from '../wire/disk-trouble.ts';

/** Writes of a store while its disk takes none (full, read-only, failing): which are refused, which are kept, and when to try again. */
export interface Keeping {
  /** Runs `work` in one transaction. @throws DiskTrouble when the system takes no more writes */
  transaction<T>(work: () => T): T;
  /**
   * Runs `work` in one transaction: now, or as soon as the disk takes it. Resolves when it is committed. `work` may run several
   * times, and later than others that were kept after it: it must write what is true when it runs.
   */
  keep(work: () => void): Promise<void>;
  /** Why nothing can be written; `null`: all is well. Only a write that reached the disk ends a trouble. */
  trouble(): DiskTrouble | null;
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
const longestPauseMs = 4_000;

/**
 * @param transact one transaction of the store
 * @param probe a statement that really writes and leaves all as it was: it alone ends a trouble, because a transaction that
 *   happens to write nothing succeeds on any disk
 */
export function createKeeping(deps: {
  readonly transact: <T>(work: () => T) => T;
  readonly probe: () => void;
  /** Whether more than a few pages can be written: a small write may fit where the next one doesn't. */
  readonly hasRoom: () => boolean;
  /** Told once of each kind of trouble, and once (`null`) when all of it has passed. */
  readonly onTrouble: (trouble: DiskTrouble | null) => void;
}): Keeping {
  let kept: Kept[] = [];
  let trouble: DiskTrouble | null = null;
  const told = new Set<DiskTroubleKind>();
  let timer: NodeJS.Timeout | undefined;
  let pauseMs = firstPauseMs;

  function meet(met: DiskTrouble): void {
    timer ??= setTimeout(round, pauseMs).unref();
    // A failing disk that the system then takes for reading only needs other words from then on.
    trouble = met;
    if (told.has(met.trouble)) return;
    told.add(met.trouble);
    deps.onTrouble(met);
  }

  /** Whether the trouble has passed: asked when a transaction succeeded. */
  function lookAgain(): void {
    if (!trouble || kept.length > 0) return;
    if (!attempt({ work: deps.probe, resolve: () => undefined, reject: () => undefined })) return;
    if (!deps.hasRoom()) {
      meet(trouble);
      return;
    }
    trouble = null;
    told.clear();
    pauseMs = firstPauseMs;
    deps.onTrouble(null);
  }

  /** `false`: the disk did not take it. */
  function attempt(entry: Kept): boolean {
    try {
      deps.transact(entry.work);
    } catch (error) {
      const met = asDiskTrouble(error);
      if (met) meet(met);
      else entry.reject(error);
      return !met;
    }
    entry.resolve();
    return true;
  }

  /** One that finds no room goes behind the others: it may be the largest. */
  function round(): void {
    timer = undefined;
    pauseMs = Math.min(pauseMs * 2, longestPauseMs);
    for (let entry = kept.shift(); entry; entry = kept.shift()) {
      if (attempt(entry)) continue;
      kept.push(entry);
      return;
    }
    lookAgain();
  }

  return {
    transaction(work) {
      let value: ReturnType<typeof work>;
      try {
        value = deps.transact(work);
      } catch (error) {
        const met = asDiskTrouble(error);
        if (!met) throw error;
        meet(met);
        throw met;
      }
      lookAgain();
      return value;
    },
    keep: (work) =>
      new Promise((resolve, reject) => {
        const entry = { work, resolve, reject };
        if (!attempt(entry)) kept.push(entry);
      }),
    trouble: () => trouble,
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

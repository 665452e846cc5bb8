import { asDiskFull, type DiskFull } from '../wire/errors.ts';

/** Writes of a store while its disk is full: which are refused, which are kept, and when to try again. */
export interface Keeping {
  /** Runs `work` in one transaction. @throws DiskFull when the system takes no more writes */
  transaction<T>(work: () => T): T;
  /**
   * Runs `work` in one transaction: now, or as soon as there is room. Resolves when it is committed. `work` may run several
   * times, and later than others that were kept after it: it must write what is true when it runs.
   */
  keep(work: () => void): Promise<void>;
  /** Why nothing can be written; `null`: all is well. */
  trouble(): DiskFull | null;
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
 * @param probe writes something that changes nothing: tells whether there is room again when nothing is kept
 */
export function createKeeping(deps: {
  readonly transact: <T>(work: () => T) => T;
  readonly probe: () => void;
  /** Whether more than a few pages can be written: a small write may fit where the next one doesn't. */
  readonly hasRoom: () => boolean;
  readonly onTrouble: (trouble: DiskFull | null) => void;
}): Keeping {
  let kept: Kept[] = [];
  let trouble: DiskFull | null = null;
  let timer: NodeJS.Timeout | undefined;
  let pauseMs = firstPauseMs;

  function meet(full: DiskFull): void {
    timer ??= setTimeout(round, pauseMs).unref();
    if (trouble) return;
    trouble = full;
    deps.onTrouble(full);
  }

  function worked(): void {
    if (!trouble || kept.length > 0) return;
    if (!deps.hasRoom()) {
      meet(trouble);
      return;
    }
    trouble = null;
    pauseMs = firstPauseMs;
    deps.onTrouble(null);
  }

  /** `false`: no room. */
  function attempt(entry: Kept): boolean {
    try {
      deps.transact(entry.work);
    } catch (error) {
      const full = asDiskFull(error);
      if (full) meet(full);
      else entry.reject(error);
      return !full;
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
    if (attempt({ work: deps.probe, resolve: () => undefined, reject: () => undefined })) worked();
  }

  return {
    transaction(work) {
      let value: ReturnType<typeof work>;
      try {
        value = deps.transact(work);
      } catch (error) {
        const full = asDiskFull(error);
        if (!full) throw error;
        meet(full);
        throw full;
      }
      worked();
      return value;
    },
    keep: (work) =>
      new Promise((resolve, reject) => {
        const entry = { work, resolve, reject };
        if (!attempt(entry)) kept.push(entry);
      }),
    trouble: () => trouble,
    close() {
      clearTimeout(timer);
      const last = kept;
      kept = [];
      for (const entry of last) attempt(entry);
      clearTimeout(timer);
    },
  };
}

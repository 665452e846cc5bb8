/** So many imports in a row; a person may save the same file during some. Each may have replaced the one before. */
const maxInARow = 8;
/** Code is written by people, whose editor may save it every second; a program that writes it writes the same again. */
const code = /(\.py|\bpyproject\.toml)$/;

/**
 * Finds a file that the import of the app writes itself, which would reload the app without end. `clock` in
 * milliseconds.
 */
export function createLoopGuard(clock: () => number) {
  /** What was written during the import that is under way, or has just ended. */
  let during = new Set<string>();
  let inARow: ReadonlyMap<string, number> = new Map();
  let importsUntil = 0;

  return {
    /** An import begins. */
    began(): void {
      if (during.size === 0) inARow = new Map();
      importsUntil = Number.POSITIVE_INFINITY;
      during = new Set();
    },
    /** It has ended; what it wrote is noticed a moment later. */
    ended(noticeMs = 500): void {
      importsUntil = clock() + noticeMs;
    },
    /** A file has changed. `true`: it has done so during each of the last imports. */
    isLoop(file: string): boolean {
      if (clock() > importsUntil || code.test(file)) {
        inARow = new Map();
        return false;
      }
      if (during.has(file)) return false;
      during.add(file);
      inARow = new Map([[file, (inARow.get(file) ?? 0) + 1]]);
      return (inARow.get(file) ?? 0) >= maxInARow;
    },
  };
}

import { asDiskTrouble } from '../local/disk-trouble.ts';

/** Transactions of a store. */
export interface Transactions {
  /** One transaction: committed when this returns, undone when `work` throws. */
  readonly transact: <T>(work: () => T) => T;
  /** Runs a piece of a transaction so that what it did is undone when it throws. */
  readonly undoable: (piece: () => void) => void;
}

/**
 * Runs all of `pieces` in one transaction, in their order; one that throws is undone alone. A piece may run twice.
 * @returns what each of them threw, `undefined` for those that are committed
 * @throws what means a disk trouble: then none is committed
 */
export function transactPieces(
  { transact, undoable }: Transactions,
  pieces: readonly (() => void)[],
): readonly unknown[] {
  const done = pieces.map(() => undefined);
  try {
    transact(() => {
      for (const piece of pieces) piece();
    });
    return done;
  } catch (error) {
    if (asDiskTrouble(error)) throw error;
    if (pieces.length === 1) return [error];
  }
  return transact(() =>
    pieces.map((piece) => {
      try {
        undoable(piece);
        return undefined;
      } catch (error) {
        if (asDiskTrouble(error)) throw error;
        return error;
      }
    }),
  );
}

/** Notifies whoever handed in the pieces of what came of each. */
export function settle(
  pieces: readonly { readonly resolve: () => void; readonly reject: (error: unknown) => void }[],
  errors: readonly unknown[],
): void {
  pieces.forEach(({ resolve, reject }, index) => {
    if (errors[index] === undefined) resolve();
    else reject(errors[index]);
  });
}

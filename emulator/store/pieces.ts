import { asDiskTrouble } from '../local/disk-trouble.ts';

/** Transactions of a store. */
export interface Transactions {
  /** One transaction: committed when this returns, rolled back when `work` throws. */
  readonly transact: <T>(work: () => T) => T;
  /** Runs a piece of a transaction; its changes are rolled back when it throws. */
  readonly undoable: (piece: () => void) => void;
}

/**
 * Runs all `pieces` in one transaction, in order; a piece that throws is rolled back alone. A piece may run twice.
 * @returns the error of each piece, `undefined` for committed ones
 * @throws an error that means disk trouble; no piece is committed then
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

/** Reports the outcome of each piece to the code that submitted it. */
export function settle(
  pieces: readonly { readonly resolve: () => void; readonly reject: (error: unknown) => void }[],
  errors: readonly unknown[],
): void {
  pieces.forEach(({ resolve, reject }, index) => {
    if (errors[index] === undefined) resolve();
    else reject(errors[index]);
  });
}

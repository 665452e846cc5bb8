import type { Store } from '../open.ts';

/** For tests: the store, and how many pieces each of its group commits had. */
export function countingPieces(store: Store): { readonly store: Store; readonly sizes: number[] } {
  const sizes: number[] = [];
  return {
    sizes,
    store: {
      ...store,
      transactEach(pieces) {
        sizes.push(pieces.length);
        return store.transactEach(pieces);
      },
    },
  };
}

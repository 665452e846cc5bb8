/** Whether the lines of all runners, present and future, are to have their places (see Engine). */
export interface Places {
  want(wanted: boolean): void;
  /** `set` is called when that changes, and now if they are wanted. Returns a function that ends this. */
  follow(set: (wanted: boolean) => void): () => void;
}

export function createPlaces(): Places {
  const followers = new Set<(wanted: boolean) => void>();
  let isWanted = false;
  return {
    want(wanted) {
      isWanted = wanted;
      for (const set of followers) set(wanted);
    },
    follow(set) {
      followers.add(set);
      if (isWanted) set(true);
      return () => void followers.delete(set);
    },
  };
}

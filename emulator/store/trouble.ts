import type { DiskTrouble } from '../local/disk-trouble.ts';
import { contain, throwLater } from '../local/loop/contain.ts';
import type { DiskTroubleKind } from '../wire/errors.ts';

/** Why nothing can be written to a store at present, and the listeners that are notified of it. */
export interface Trouble {
  /** `null`: no trouble. */
  present(): DiskTrouble | null;
  began(trouble: DiskTrouble): void;
  passed(): void;
  /** Calls `listener` when `present` has changed; returns a function that unsubscribes. */
  follow(listener: () => void): () => void;
}

/** @param onTrouble called once for each kind of trouble, and once (`null`) when all of it has passed */
export function createTrouble(onTrouble: (trouble: DiskTrouble | null) => void): Trouble {
  let present: DiskTrouble | null = null;
  const reported = new Set<DiskTroubleKind>();
  const followers = new Set<() => void>();

  function become(next: DiskTrouble | null): void {
    const isSame = next?.message === present?.message;
    present = next;
    if (!isSame) for (const follower of [...followers]) contain(throwLater, follower)();
  }

  return {
    present: () => present,
    began(trouble) {
      // A failing disk that the system then remounts read-only needs a different message from then on.
      become(trouble);
      if (reported.has(trouble.trouble)) return;
      reported.add(trouble.trouble);
      onTrouble(trouble);
    },
    passed() {
      become(null);
      reported.clear();
      onTrouble(null);
    },
    follow(listener) {
      followers.add(listener);
      return () => void followers.delete(listener);
    },
  };
}

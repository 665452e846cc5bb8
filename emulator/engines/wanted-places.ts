import type { Engine } from './engine.ts';

/** Who wants the places of lines: runners note them while at least one reader does. */
export interface WantedPlaces {
  /** Returns a function that ends this reader's request. */
  want(): () => void;
}

export function createWantedPlaces(engine: Pick<Engine, 'wantPlaces'>): WantedPlaces {
  const readers = new Set<object>();
  return {
    want() {
      const reader = {};
      readers.add(reader);
      if (readers.size === 1) engine.wantPlaces(true);
      return () => {
        if (readers.delete(reader) && readers.size === 0) engine.wantPlaces(false);
      };
    },
  };
}

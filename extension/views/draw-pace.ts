/**
 * The editor draws the first change of a tree at once, and puts the following ones off until there was none for 200 ms:
 * a tree that keeps changing would not be drawn at all. Changes this far apart are all first ones.
 */
const restMs = 205;

export interface DrawPace {
  /** Calls `draw` now, or once at the end of the rest after the last drawing. */
  ask(): void;
  close(): void;
}

/** @param draw returns whether it has drawn anything, after which the tree rests */
export function createDrawPace(draw: () => boolean): DrawPace {
  let restsUntil = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  function ask(): void {
    if (timer) return;
    const wait = restsUntil - performance.now();
    if (wait <= 0) {
      if (draw()) restsUntil = performance.now() + restMs;
      return;
    }
    timer = setTimeout(() => {
      timer = undefined;
      ask();
    }, Math.ceil(wait));
  }
  return { ask, close: () => clearTimeout(timer) };
}

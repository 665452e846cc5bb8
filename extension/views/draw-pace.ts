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
  /**
   * The rest is over when its timer has run, not when its time has passed: in a busy extension host, the editor's own
   * timer would run later than a change that comes then, and put it off.
   */
  let resting: NodeJS.Timeout | undefined;
  let isAsked = false;
  function ask(): void {
    if (resting) isAsked = true;
    else if (draw()) resting = setTimeout(rested, restMs);
  }
  function rested(): void {
    resting = undefined;
    if (!isAsked) return;
    isAsked = false;
    ask();
  }
  return { ask, close: () => clearTimeout(resting) };
}

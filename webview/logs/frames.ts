/**
 * Draws once before the browser's next frame, however often it is asked: rows and their names come as separate
 * messages, and a log under load as many. A page that isn't shown has no frames, and draws when it is shown again.
 */
export function createFrames(draw: () => void, nextFrame: (run: () => void) => void = requestAnimationFrame) {
  let isAsked = false;
  let isWaiting = false;
  return {
    later(): void {
      isAsked = true;
      if (isWaiting) return;
      isWaiting = true;
      nextFrame(() => {
        isWaiting = false;
        if (isAsked) draw();
      });
    },
    /** Something else has drawn meanwhile. */
    isDone(): void {
      isAsked = false;
    },
  };
}

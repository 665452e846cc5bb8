/**
 * The editor asks for the lenses of a document when it hasn't changed for a while, which grows with the time that it
 * takes to get them. An answer that grew all the time would never say that it streams, nor offer to cancel it.
 */
const maxWaitMs = 3_000;
/** From asking for lenses to showing them. */
const shownMs = 250;

/** When a streamed answer is drawn first: after its lenses, which say that it streams. `now` in milliseconds. Pure. */
export function createFirstDraw(now: () => number) {
  let at = 0;
  return {
    /** The answer begins to stream. */
    begin(): void {
      at = now() + maxWaitMs;
    },
    /** The editor has asked for the document's lenses. */
    lensesAsked(): void {
      at = Math.min(at, now() + shownMs);
    },
    /** Until then, in milliseconds. */
    left: (): number => Math.max(0, at - now()),
  };
}

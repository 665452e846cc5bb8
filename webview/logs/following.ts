/** The distance from the end within which a list is at its end. */
const endPx = 4;

/**
 * Whether a list follows its end after it moved from `was.top` to `now.top`, with `now.left` pixels below. Only a move
 * up ends that: the distance from the end also grows when the pane becomes smaller, such as by a notice above it. Pure.
 */
export function isFollowed(
  was: { readonly isFollowed: boolean; readonly top: number },
  now: { readonly top: number; readonly left: number },
): boolean {
  return now.left <= endPx || (was.isFollowed && now.top >= was.top);
}

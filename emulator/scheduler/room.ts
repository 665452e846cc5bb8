import { type Key, values } from './sorted.ts';
import { putRunner, type Turn } from './turn.ts';
import type { App, Role, World } from './world.ts';

/** The machine's room for runners, and the line of those that wait for it. Who gets what is decided in capacity.ts. */

/**
 * Whether a new process has to wait for room. Those that come first to others' places never do, for nobody makes room for them: the check
 * of a rolling deploy and replacements, of which an app has few at a time (rollout.ts). Nobody overtakes the line.
 */
export function mustWait(world: World, role: Role): boolean {
  return role.kind === 'member' && (world.placed >= world.limits.runners || world.line !== null);
}

/** Where those in the line begin that no request waits for. */
export const onlySettings: Key = [1];

/**
 * The place of an app's runner in the line: those that requests wait for before those that only settings want, then the app with the
 * fewest runners, then the oldest wish.
 */
export function placeInLine(app: App | undefined, serial: number): Key {
  const wanted = app !== undefined && app.requests.waiting !== null;
  return [wanted ? 0 : 1, app?.runners.placed ?? 0, serial];
}

/** Brings the places of the app's runners in the line up to date. */
export function refreshLine(turn: Turn, app: App): void {
  if (app.runners.inLine === null) return;
  for (const id of values(app.runners.inLine)) {
    const runner = turn.world.runners.get(id);
    if (runner === undefined) continue;
    const place = placeInLine(app, runner.serial);
    if (runner.turn?.some((part, i) => part !== place[i])) putRunner(turn, runner.id, { ...runner, turn: place });
  }
}

/** Why a runner waits for room; without a full stop. */
export function noRoomSays({ placed, limits }: World): string {
  return `No capacity: ${placed} of ${limits.runners} runners of this machine are in use`;
}

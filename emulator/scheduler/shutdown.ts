import { abandon, stoppingDeploy } from './deploy.ts';
import type { SchedulerError } from './effects.ts';
import { fail } from './requests/verdict.ts';
import { endOrDefer } from './runners/ending.ts';
import type { AliasName } from './types.ts';
import { queueBegin } from './world/request-index.ts';
import { compareKeys, first } from './world/sorted.ts';
import { edit, type Turn } from './world/turn.ts';

/** The error for direct calls that have no runner when the emulator stops. */
export const stoppingError = {
  type: 'runner_scheduling_failure',
  detail: 'The emulator is stopping. Start it again, then repeat the call.',
} as const satisfies SchedulerError;

/**
 * The emulator stops. Running requests may finish, and their runners end afterwards. Nothing new begins. Waiting queued
 * requests keep their place for the next start; waiting direct calls are refused.
 */
export function shutDown(turn: Turn): void {
  edit(turn, 'isClosing', true);
  for (const alias of turn.world.apps.keys()) {
    refuseDirect(turn, alias);
    abandon(turn, alias, stoppingDeploy);
  }
  for (const id of turn.world.runners.keys()) endOrDefer(turn, id, { how: 'retire', why: 'shutdown' });
}

function refuseDirect(turn: Turn, alias: AliasName): void {
  for (;;) {
    const oldest = first(turn.world.apps.get(alias)?.requests.waiting ?? null);
    const request =
      oldest && compareKeys(oldest.key, queueBegin) < 0 ? turn.world.requests.get(oldest.value) : undefined;
    if (request === undefined) return;
    fail(turn, request, stoppingError);
  }
}

import type { Event } from '../events.ts';
import type { RunnerId } from '../types.ts';
import { isServing } from '../world/runner-index.ts';
import { putRunner, type Turn } from '../world/turn.ts';
import type { LiveRunner } from '../world/world.ts';
import { isExcused } from './debug.ts';
import { endNow } from './ending.ts';
import { probeIntervalMs } from './starting.ts';

/**
 * Regular and on-demand health checks, and the TCP check after a 500, 502 or 504
 * (docs/platform/runners.md#start-up-and-health).
 */

/**
 * The regular health check is due; the next one is 15 s later. While a check is unanswered, no other begins, so a
 * runner that is busy for a moment fails one check and not several at once. Long after its timeout the answer counts as
 * lost, and the check as failed.
 */
export function probe(turn: Turn, runner: LiveRunner): void {
  const { probedAt, settings } = runner;
  putRunner(turn, runner.id, { ...runner, nextProbeAt: turn.now + probeIntervalMs, probedAt: probedAt ?? turn.now });
  if (probedAt !== null) {
    if (turn.now < probedAt + probeIntervalMs + 2 * settings.health.timeoutSeconds * 1000) return;
    judge(turn, runner.id, false);
    const left = turn.world.runners.get(runner.id);
    if (left === undefined || !isServing(left.state)) return;
    putRunner(turn, runner.id, { ...left, probedAt: turn.now });
  }
  turn.effects.push({ type: 'probeHealth', runnerId: runner.id });
}

/**
 * Handles the result of a health check. `failure_threshold` consecutive failures end the runner; failures during the
 * start period don't count. Neither rule applies to checks on demand: one failure ends the runner.
 */
export function probed(turn: Turn, event: Extract<Event, { readonly type: 'healthProbed' }>): void {
  const runner = turn.world.runners.get(event.runnerId);
  if (runner === undefined || !mayBeUnhealthy(runner)) return;
  if (!event.ok && isExcused(turn, runner)) {
    if (!event.onDemand) putRunner(turn, runner.id, { ...runner, probedAt: null });
    return;
  }
  if (event.onDemand) {
    if (!event.ok) endNow(turn, runner.id, 'unhealthy');
    return;
  }
  judge(turn, runner.id, event.ok);
}

function judge(turn: Turn, id: RunnerId, ok: boolean): void {
  const runner = turn.world.runners.get(id);
  if (runner === undefined) return;
  const forgiven = !ok && turn.now < startPeriodEnd(runner);
  const probeFailures = ok ? 0 : runner.probeFailures + (forgiven ? 0 : 1);
  putRunner(turn, id, { ...runner, probedAt: null, probeFailures });
  if (!ok && !forgiven && probeFailures >= runner.settings.health.failureThreshold) endNow(turn, id, 'unhealthy');
}

/** Handles the result of the TCP check: a runner whose port doesn't accept connections is replaced. */
export function tcpChecked(turn: Turn, id: RunnerId, ok: boolean): void {
  const runner = turn.world.runners.get(id);
  if (!ok && runner !== undefined && mayBeUnhealthy(runner) && !isExcused(turn, runner)) endNow(turn, id, 'unhealthy');
}

function mayBeUnhealthy(runner: LiveRunner): boolean {
  return isServing(runner.state) || runner.state.kind === 'draining';
}

/** The start period counts from the start of the process. startup_timeout is used instead if it is longer. */
function startPeriodEnd(runner: LiveRunner): number {
  const { health, startupTimeoutSeconds } = runner.settings;
  return (runner.startedAt ?? runner.createdAt) + Math.max(health.startPeriodSeconds, startupTimeoutSeconds) * 1000;
}

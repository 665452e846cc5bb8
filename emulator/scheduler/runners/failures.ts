import type { Instant, Reason, StopReason } from '../types.ts';
import type { LiveRunner, Trouble } from '../world/world.ts';

/**
 * Delay before another start after n consecutive start failures: min(30 s × n, 600 s)
 * (docs/platform/runners.md#start-failures).
 */
export function failureDelaySeconds(failures: number): number {
  return Math.min(30 * failures, 600);
}

/**
 * Delay before another start after the supervisor died n times without a response of the app in between: none, then 1 s
 * doubling to 60 s. The cloud has no such delay. The app isn't to blame, but an app that kills its supervisor at each
 * start must not keep the machine busy.
 */
export function lossDelaySeconds(losses: number): number {
  return losses < 2 ? 0 : Math.min(2 ** (losses - 2), 60);
}

/** Why a start waits until `until` after failed starts or, if there were none, after supervisor losses. */
export function backOffReason({ failures, losses, lastFailure }: Trouble, since: Instant, until: Instant): Reason {
  const times = { since, until, also: null };
  if (failures === 0)
    return { ...times, code: 'supervisor_losses', numbers: { losses }, evidence: null, action: 'read_log' };
  const evidence = lastFailure === null ? null : clause(lastFailure);
  return { ...times, code: 'start_failures', numbers: { failures }, evidence, action: 'read_start_failure' };
}

/**
 * The failure counters of an app after one of its runners ended. A failed start counts. A runner also counts if it died
 * before it got a request and before it had been ready for as long as its start was allowed to take, because nothing
 * else would slow down its restarts. If a runner dies while it runs a request, the pauses before that request's retries
 * slow down the restarts.
 */
export function troubleAfter(
  trouble: Trouble,
  runner: LiveRunner,
  why: StopReason,
  reason: string,
  now: Instant,
): Trouble {
  const { startupTimeoutSeconds } = runner.settings;
  const young = runner.readyAt === undefined || now - runner.readyAt < startupTimeoutSeconds * 1000;
  switch (why) {
    case 'start_failed':
    case 'startup_timeout':
      return { ...trouble, failures: trouble.failures + 1, lastFailure: reason };
    case 'exited': {
      if (!young) return { ...trouble, diedEarly: 0 };
      if (runner.used) return trouble;
      const diedEarly = trouble.diedEarly + 1;
      return { ...trouble, diedEarly, failures: Math.max(trouble.failures + 1, diedEarly), lastFailure: reason };
    }
    case 'supervisor_lost':
      // The death of one supervisor ends many runners; only the first of them counts it.
      if (runner.lossesBefore !== trouble.losses) return trouble;
      return { ...trouble, losses: young ? trouble.losses + 1 : 1 };
    default:
      return trouble;
  }
}

const maxClause = 240;

/** Turns a foreign sentence into a clause for a message: one line, shortened, without its full stop. */
export function clause(sentence: string): string {
  const line = sentence.replace(/\s+/g, ' ').trim();
  return line.length > maxClause ? `${line.slice(0, maxClause - 1)}…` : line.replace(/\.$/, '');
}

import { appCircumstances, healthOf, waitCircumstances } from '../scheduler/circumstances.ts';
import * as select from '../scheduler/requests/select.ts';
import { reasonToReal, runnerToReal, type TimeScale, toReal } from '../scheduler/time-scale.ts';
import { why, whyRunner } from '../scheduler/why.ts';
import type { Host } from './host.ts';
import type { Fleet } from './types.ts';

/** The queries of the world. Answers are in real instants and durations, however fast platform time runs. */
export type Queries = Pick<
  Fleet,
  | 'appCircumstances'
  | 'counts'
  | 'expirationCountdownSeconds'
  | 'expiry'
  | 'health'
  | 'isRolling'
  | 'lastFailure'
  | 'queuePosition'
  | 'queueSize'
  | 'runner'
  | 'runners'
  | 'waitCircumstances'
  | 'waiting'
  | 'waitingSize'
  | 'why'
  | 'whyRunner'
>;

/** `time`: the time scale for the current wall clock. */
export function createQueries({ world, now }: Pick<Host, 'world' | 'now'>, time: () => TimeScale): Queries {
  return {
    isRolling: (alias) => select.isRolling(world(), alias),
    queuePosition: (requestId) => select.queuePosition(world(), requestId),
    queueSize: (alias) => select.queueSize(world(), alias),
    waitingSize: (alias) => select.waitingSize(world(), alias),
    counts: (alias) => select.countsOf(world(), alias),
    expiry(runnerId) {
      const at = select.expiry(world(), runnerId);
      return at === null ? null : toReal(time(), at);
    },
    lastFailure: (alias) => select.lastFailure(world(), alias),
    waiting: (alias, max) =>
      select
        .waitingIds(world(), alias, max)
        .map((id) => ({ id, since: toReal(time(), select.submittedAt(world(), id)) })),
    why(requestId) {
      const reason = why(world(), requestId, now());
      return reason && reasonToReal(time(), reason);
    },
    whyRunner(runnerId) {
      const reason = whyRunner(world(), runnerId, now());
      return reason && reasonToReal(time(), reason);
    },
    appCircumstances: (alias) => appCircumstances(world(), alias),
    waitCircumstances: (requestId) => waitCircumstances(world(), requestId, now()),
    health: (runnerId) => healthOf(world(), runnerId),
    runners: (alias) => select.runnersOf(world(), alias).map((runner) => runnerToReal(time(), runner)),
    runner(id) {
      const runner = select.runner(world(), id);
      return runner && runnerToReal(time(), runner);
    },
    expirationCountdownSeconds(id) {
      const left = select.expirationCountdownSeconds(world(), id, now());
      return left === null ? null : Math.ceil(left / time().factor);
    },
  };
}

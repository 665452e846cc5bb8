import type { Effect } from '../scheduler/effects.ts';
import * as select from '../scheduler/requests/select.ts';
import type { Deploys } from './deploys.ts';
import type { Host } from './host.ts';
import type { Queries } from './queries.ts';
import type { Reloads } from './reloads.ts';
import type { Attempts } from './requests/attempts.ts';
import type { Probes } from './runners/probes.ts';
import type { Runners } from './runners/runners.ts';

/** Carries out the scheduler's effects. */
export function createEffects(deps: {
  readonly attempts: Attempts;
  readonly runners: Runners;
  readonly probes: Probes;
  readonly deploys: Deploys;
  readonly reloads: Pick<Reloads, 'swap' | 'started'>;
  readonly queries: Queries;
  readonly world: Host['world'];
  /** Called when a deploy succeeded: calls go to `revision` from now on. */
  readonly onMoved: (alias: string, revision: string) => void;
}): (effect: Effect) => void {
  const { attempts, runners, probes, deploys, reloads, queries, world } = deps;
  const performers: { readonly [T in Effect['type']]: (effect: Extract<Effect, { type: T }>) => void } = {
    startRunner({ type: _, ...order }) {
      const runner = queries.runner(order.runnerId);
      if (runner) runners.start({ ...order, settings: runner.settings });
      reloads.started(order.revision);
    },
    terminateRunner: ({ runnerId }) => runners.terminate(runnerId),
    killRunner: ({ runnerId }) => runners.kill(runnerId),
    swapRunner: (effect) => reloads.swap(effect),
    probeHealth: ({ runnerId }) => probes.health(runnerId, false),
    checkTcp: ({ runnerId }) => probes.tcp(runnerId),
    assign(effect) {
      runners.began(effect.runnerId, effect.requestId);
      attempts.assign(effect);
    },
    abortAttempt: ({ requestId }) => attempts.abort(requestId),
    acceptAttempt: ({ requestId }) => attempts.accept(requestId),
    requeueRequest: ({ requestId, because }) =>
      attempts.requeue(requestId, because, select.retriedOf(world(), requestId)),
    failRequest: ({ requestId, error }) => attempts.fail(requestId, error),
    aliasMoved({ alias, revision }) {
      deps.onMoved(alias, revision);
      deploys.settle(alias, revision, { kind: 'moved' });
    },
    deployFailed: ({ alias, revision, reason }) => deploys.settle(alias, revision, { kind: 'failed', reason }),
  };
  return (effect) => (performers[effect.type] as (effect: Effect) => void)(effect);
}

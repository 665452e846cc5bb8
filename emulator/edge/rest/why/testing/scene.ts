import { appCircumstances, healthOf, waitCircumstances } from '../../../../scheduler/circumstances.ts';
import { countsOf, expiry, runner as runnerIn } from '../../../../scheduler/requests/select.ts';
import type { Sim } from '../../../../scheduler/testing/sim.ts';
import { stateWords } from '../../../../scheduler/types.ts';
import { why, whyRunner } from '../../../../scheduler/why.ts';
import type { TracedRequest } from '../../../../telemetry/requests/types.ts';
import type { Facts, RunnerFacts } from '../facts.ts';

/** What the scheduler doesn't know about a situation: the log, the processes, the history. */
export interface Observed {
  readonly runner?: Partial<RunnerFacts>;
  readonly request?: Partial<TracedRequest>;
  readonly exception?: { readonly type: string; readonly message: string };
}

/** The facts about one app's request, runner or the app, of a world of the real scheduler and what was observed. */
export function factsOf(sim: Sim, asked: Facts['asked'], id: string, observed: Observed = {}, alias = 'app'): Facts {
  const { world, now } = sim;
  const reason = asked === 'request' ? why(world, id, now) : null;
  const around = appCircumstances(world, alias);
  const runnerId = asked === 'runner' ? id : (reason?.runnerId ?? around?.rollout?.runnerId ?? around?.paused);
  return {
    ...{ now, timeScale: 1, asked },
    app: { alias, counts: countsOf(world, alias), around, lastEnd: null },
    request:
      asked === 'request'
        ? {
            traced: traced(sim, id, observed.request),
            reason,
            waits: waitCircumstances(world, id, now),
            exception: observed.exception,
          }
        : null,
    runner: runnerId || observed.runner ? runnerFacts(sim, runnerId ?? '', observed.runner) : null,
  };
}

function traced({ world }: Sim, id: string, fields: Partial<TracedRequest> = {}): TracedRequest {
  const live = world.requests.get(id);
  const running = live?.place.kind === 'running' ? live.place : undefined;
  return {
    ...{ number: 1, id, alias: 'app', kind: 'queue', method: 'POST', path: '/', submittedAt: 0, completedAt: null },
    phase: live === undefined ? 'COMPLETED' : running ? 'IN_PROGRESS' : 'IN_QUEUE',
    startedAt: running?.startedAt ?? null,
    attempts: live?.attempts ?? 0,
    ...{ runner: null, revision: null, coldMs: null, status: null, error: null, history: [] },
    ...fields,
  };
}

function runnerFacts({ world, now }: Sim, id: string, fields: Partial<RunnerFacts> = {}): RunnerFacts {
  const live = runnerIn(world, id);
  const record = { id, number: 1, alias: 'app', revision: 'rev1', machineType: 'XS', startedAt: 0 };
  const state = live?.state;
  return {
    record: { ...record, endedAt: null, endReason: null },
    state: state ? stateWords[state.kind] : 'TERMINATED',
    since: state && 'since' in state ? state.since : 0,
    transitions: [],
    reason: whyRunner(world, id, now),
    ...{ stage: null, lastLine: null, usage: undefined },
    debug: live?.debug?.state ?? null,
    health: healthOf(world, id),
    requests: state && 'attempts' in state ? state.attempts.length : 0,
    expiresAt: expiry(world, id),
    ...fields,
  };
}

import type { Answer } from '../../exchange/answers.ts';
import type { Stop } from '../../local/loop/stop-signal.ts';
import type { Effect, SchedulerError } from '../../scheduler/effects.ts';
import type { AliasName, RequestId, Retried, RunnerId } from '../../scheduler/types.ts';
import type { CallInfo, RequestTrace } from '../../telemetry/requests/types.ts';
import { type PlatformError, platformError } from '../../wire/errors.ts';
import type { Queries } from '../queries.ts';
import { createExecutions, type ExecutionsDeps } from './executions.ts';
import { createLeases, type Leases } from './leases.ts';
import { toPlatformError } from './scheduler-errors.ts';

/**
 * Running requests: leases of direct requests, executions of queued ones. Carries out the scheduler's request effects
 * and reports how each attempt ended. Decides nothing.
 */
export interface Attempts {
  readonly lease: Leases['lease'];
  assign(effect: Extract<Effect, { readonly type: 'assign' }>): void;
  abort(id: RequestId): void;
  accept(id: RequestId): void;
  requeue(id: RequestId, because: string, retried?: Retried): void;
  fail(id: RequestId, error: SchedulerError): void;
  /** Ends a request that failed because of a bug in minifal. */
  giveUp(id: RequestId): void;
  /** Ends the attempts on a runner as if its app had given this answer. Returns false if there are none. */
  answerAll(id: RunnerId, answer: Answer): boolean;
  /** Called after all effects of a step. */
  settled(): void;
  /** The runner on which this queued request is running. */
  runnerOf(id: RequestId): RunnerId | undefined;
}

export function createAttempts(
  deps: ExecutionsDeps & {
    readonly trace: RequestTrace;
    readonly runner: Queries['runner'];
    readonly readyOf: (alias: AliasName) => RunnerId | undefined;
    readonly arrived: (info: CallInfo) => void;
    /** Why minifal ends or has ended this runner; `undefined`: for no reason of its own, or nothing of it is left. */
    readonly endReason: (id: RunnerId) => string | undefined;
  },
): Attempts {
  const { trace } = deps;
  const leases = createLeases({ ...deps, answered: trace.answered });
  const executions = createExecutions(deps);
  /** The runner of each request that runs, until it is known what becomes of the request. */
  const runnerOf = new Map<RequestId, RunnerId>();
  /** Fired after the whole step, so that listeners can read the reason, which a later effect sets. */
  let aborting: Stop[] = [];

  const abortOf = (id: RequestId): Stop | undefined => leases.abortOf(id) ?? executions.abortOf(id);

  function abortLater(abort: Stop | undefined): void {
    if (abort) aborting.push(abort);
  }

  function end(id: RequestId, error: PlatformError): void {
    runnerOf.delete(id);
    trace.ended(id, deps.clock(), error);
    if (!leases.end(id, error)) executions.end(id, error);
  }

  return {
    lease: leases.lease,
    assign(effect) {
      const { requestId, runnerId } = effect;
      runnerOf.set(requestId, runnerId);
      const { revision = '', readyAt } = deps.runner(runnerId) ?? {};
      trace.began(requestId, { runnerId, revision, readyAt, at: deps.clock() });
      if (!leases.assign(effect)) executions.assign(effect);
    },
    abort(id) {
      abortLater(abortOf(id));
      executions.forget(id);
    },
    accept(id) {
      runnerOf.delete(id);
      trace.ended(id, deps.clock(), null);
      if (!leases.accept(id)) executions.accept(id);
    },
    requeue(id, because, retried) {
      runnerOf.delete(id);
      trace.requeued(id, deps.clock(), because);
      executions.requeue(id, retried);
    },
    fail(id, error) {
      const runnerId = runnerOf.get(id);
      end(id, toPlatformError(error, runnerId === undefined ? undefined : deps.endReason(runnerId)));
    },
    giveUp(id) {
      const abort = abortOf(id);
      end(id, platformError('internal_error', 'Internal error in minifal; see emulator.log for details.'));
      abortLater(abort);
    },
    answerAll(id, answer) {
      const running = [...runnerOf].filter(([, runnerId]) => runnerId === id);
      const answered = running.filter(([one]) => leases.answer(one, answer) || executions.answer(one, answer));
      return answered.length > 0;
    },
    settled() {
      const now = aborting;
      aborting = [];
      for (const controller of now) controller.abort();
    },
    runnerOf: executions.runnerOf,
  };
}

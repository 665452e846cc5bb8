import { setTimeout as delay } from 'node:timers/promises';
import type { RunnerAddress } from '../../engines/engine.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import type { AttemptResult } from '../../exchange/executor.ts';
import { notMade } from '../../exchange/outcomes.ts';
import { asDiskTrouble } from '../../local/disk-trouble.ts';
import type { Report } from '../../local/loop/contain.ts';
import type { Paced } from '../../local/loop/paced.ts';
import { Stop, type StopSignal } from '../../local/loop/stop-signal.ts';
import type { Queue, RequestOutcome, StoredResponse, SubmittedRequest } from '../../queue/types.ts';
import type { Effect } from '../../scheduler/effects.ts';
import type { Event } from '../../scheduler/events.ts';
import type { AttemptId, RequestId, Retried, RunnerId } from '../../scheduler/types.ts';
import type { RequestTrace } from '../../telemetry/requests/types.ts';
import { type PlatformError, platformError } from '../../wire/errors.ts';

type Assign = Extract<Effect, { readonly type: 'assign' }>;

interface Running {
  readonly runnerId: RunnerId;
  readonly attemptId: AttemptId;
  readonly abort: Stop;
  response?: StoredResponse;
  /** Why the attempt could not be made. */
  error?: PlatformError;
}

const unreadablePauseMs = 250;
const unreadable = 'is damaged and cannot be performed';
const unwritable = 'could not be updated on the disk';
const lost = platformError('internal_error', 'The response of the attempt was lost.');

export interface ExecutionsDeps {
  readonly queue: Queue;
  readonly perform: Exchange['perform'];
  readonly addressOf: (runnerId: RunnerId) => RunnerAddress | null;
  readonly dispatch: (event: Event) => void;
  /** Called when the app's response asks for a health check. */
  readonly probe: (runnerId: RunnerId) => void;
  /** Paces responses, because many apps may answer at the same moment. */
  readonly paced: Paced;
  readonly clock: () => number;
  readonly trace: Pick<RequestTrace, 'answered'>;
  /** Receives a bug that stopped an attempt. */
  readonly failed: (assign: Assign, error: unknown) => void;
  readonly report: Report;
}

/** Queued requests on their runners, one attempt per request at a time: reads the input and stores the outcome. */
interface Executions {
  assign(effect: Assign): void;
  /** Stores the response of the current attempt as the result of the request. */
  accept(id: RequestId): void;
  requeue(id: RequestId, retried?: Retried): void;
  /** Completes the request with an error, whether it runs or waits. */
  end(id: RequestId, error: PlatformError): void;
  /** Ignores the outcome of the current attempt. */
  forget(id: RequestId): void;
  /** Ends the current attempt as if the app had given this answer. Returns false if there is none. */
  answer(id: RequestId, answer: StoredResponse): boolean;
  /** Aborts the current attempt. */
  abortOf(id: RequestId): Stop | undefined;
  /** The runner on which this request is running. */
  runnerOf(id: RequestId): RunnerId | undefined;
}

export function createExecutions(deps: ExecutionsDeps): Executions {
  const { queue, dispatch } = deps;
  const running = new Map<RequestId, Running>();

  async function execute({ requestId, attemptId, runnerId, last }: Assign): Promise<void> {
    const attempt: Running = { runnerId, attemptId, abort: new Stop() };
    running.set(requestId, attempt);
    const begun = queue.begin(requestId, { attemptId, runnerId, at: deps.clock() }, last ? 'keep' : 'refuse');
    // Otherwise a crash before the commit would lose the attempt, and it would be made a second time.
    const mayBegin = last ? await begun : true;
    if (running.get(requestId) !== attempt) return;
    const request = await stored(requestId, attempt.abort);
    if (running.get(requestId) !== attempt) return;
    if (!mayBegin || !request) {
      attempt.error = platformError('internal_error', `The stored request ${mayBegin ? unreadable : unwritable}.`);
      dispatch({ type: 'attemptEnded', requestId, attemptId, outcome: notMade });
      return;
    }
    const address = deps.addressOf(runnerId);
    const done: AttemptResult = address
      ? await deps.perform(request, { attemptId, runnerId }, address, attempt.abort)
      : { outcome: { kind: 'disconnected' } };
    if (done.healthCheck) deps.probe(runnerId);
    deps.paced.do(() => {
      if (running.get(requestId) !== attempt) return; // Aborted in the meantime: the verdict was already given.
      if (done.response) attempt.response = done.response;
      if (done.outcome.kind === 'response') deps.trace.answered(requestId, done.outcome.status);
      const hints = done.hints ? { hints: done.hints } : {};
      dispatch({ type: 'attemptEnded', requestId, attemptId, outcome: done.outcome, ...hints });
    });
  }

  /** While another program has locked the queue's file, an attempt waits for its input. */
  async function stored(id: RequestId, signal: StopSignal): Promise<SubmittedRequest | undefined> {
    while (!signal.aborted) {
      try {
        return queue.submitted(id);
      } catch (error) {
        if (!asDiskTrouble(error)) throw error;
        deps.report(error);
      }
      await delay(unreadablePauseMs);
    }
    return undefined;
  }

  function complete(id: RequestId, outcome: RequestOutcome): void {
    running.delete(id);
    queue.complete(id, outcome, deps.clock()).catch(deps.report);
  }

  return {
    assign(effect) {
      execute(effect).catch((error) => deps.failed(effect, error));
    },
    accept(id) {
      const { response, error = lost } = running.get(id) ?? {};
      complete(id, response ? { kind: 'response', response } : { kind: 'error', error });
    },
    requeue(id, retried) {
      running.delete(id);
      queue.requeue(id, retried);
    },
    end: (id, error) => complete(id, { kind: 'error', error }),
    forget: (id) => void running.delete(id),
    answer(id, response) {
      const attempt = running.get(id);
      if (!attempt) return false;
      attempt.response = response;
      const { status } = response;
      deps.trace.answered(id, status);
      dispatch({
        type: 'attemptEnded',
        requestId: id,
        attemptId: attempt.attemptId,
        outcome: { kind: 'response', status },
      });
      attempt.abort.abort();
      return true;
    },
    abortOf: (id) => running.get(id)?.abort,
    runnerOf: (id) => running.get(id)?.runnerId,
  };
}

import { setTimeout as delay } from 'node:timers/promises';
import type { RunnerAddress } from '../../engines/engine.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import type { AttemptResult } from '../../exchange/executor.ts';
import { asDiskTrouble } from '../../local/disk-trouble.ts';
import type { Report } from '../../local/loop/contain.ts';
import type { Paced } from '../../local/loop/paced.ts';
import { Stop, type StopSignal } from '../../local/loop/stop-signal.ts';
import type { Queue, RequestOutcome, StoredResponse, SubmittedRequest } from '../../queue/types.ts';
import type {
  AttemptId,
  AttemptOutcome,
  Effect,
  Event,
  RequestId,
  RequestInfo,
  Retried,
  RunnerId,
  SchedulerError,
} from '../../scheduler/types.ts';
import { type PlatformError, platformError } from '../../wire/errors.ts';
import type { Lease } from '../types.ts';

interface Direct {
  readonly info: RequestInfo;
  readonly granted: (lease: Lease | PlatformError) => void;
  readonly abort: Stop;
  leased: boolean;
  error: PlatformError;
}

type Assign = Extract<Effect, { readonly type: 'assign' }>;

interface Running {
  readonly runnerId: RunnerId;
  readonly abort: Stop;
  response?: StoredResponse;
  /** Why it could not be made. */
  error?: PlatformError;
}

const unreadablePauseMs = 250;
const unreadable = 'was damaged and could not be performed';
const unwritable = 'could not be written any more';
/** Final, and no fault of the runner. */
const notMade: AttemptOutcome = { kind: 'response', status: 500, needsRetry: false, stopRunner: false };

const lost = platformError('internal_error', 'The response of the attempt was lost.');

/**
 * What the caller is reported when the scheduler itself ends a request (docs/platform/gateway.md#errors; the sentences
 * are ours).
 */
export function wordError(error: SchedulerError): PlatformError {
  switch (error.type) {
    case 'request_timeout':
      return error.user
        ? platformError('request_timeout', 'The request did not start within its start timeout.', true)
        : platformError('request_timeout', "The request took longer than the app's request_timeout.");
    case 'startup_timeout':
      return platformError('startup_timeout', 'No runner became ready in time.');
    case 'runner_scheduling_failure':
      return platformError('runner_scheduling_failure', error.detail);
    case 'runner_disconnected':
      return platformError('runner_disconnected', 'The runner disconnected before it answered.');
    case 'runner_connection_refused':
      return platformError('runner_connection_refused', 'The runner refused the connection.');
    case 'runner_incomplete_response':
      return platformError('runner_incomplete_response', 'The runner ended its response before it was complete.');
    case 'client_cancelled':
      return platformError('client_cancelled', 'The request was cancelled.');
    case 'client_disconnected':
      return platformError('client_disconnected', 'The caller closed the connection.');
  }
}

/**
 * Requests on their way through runners: leases of direct ones, executions of queued ones. Turns the scheduler's
 * request effects into deeds and reports how each attempt ended. Decides nothing.
 */
export function createAttempts(deps: {
  readonly queue: Queue;
  readonly perform: Exchange['perform'];
  readonly addressOf: (runnerId: RunnerId) => RunnerAddress | null;
  readonly dispatch: (event: Event) => void;
  /** The app asked for a health probe with its answer. */
  readonly probe: (runnerId: RunnerId) => void;
  /** Takes what many apps may answer in the same moment. */
  readonly paced: Paced;
  readonly clock: () => number;
  /** A bug that stopped an attempt. */
  readonly failed: (assign: Assign, error: unknown) => void;
  readonly report: Report;
}) {
  const { queue, dispatch } = deps;
  const directs = new Map<RequestId, Direct>();
  /** A queued request has one attempt at a time. */
  const running = new Map<RequestId, Running>();
  let aborting: Stop[] = [];

  function assignDirect(direct: Direct, attemptId: AttemptId, runnerId: RunnerId): void {
    direct.leased = true;
    let ended = false;
    direct.granted({
      runnerId,
      address: deps.addressOf(runnerId) ?? { host: '127.0.0.1', port: 0 },
      aborted: direct.abort,
      reason: () => direct.error,
      end(outcome, hints) {
        if (ended) return;
        ended = true;
        dispatch({ type: 'attemptEnded', requestId: direct.info.id, attemptId, outcome, ...(hints ? { hints } : {}) });
      },
    });
  }

  async function assignQueued({ requestId, attemptId, runnerId, last }: Assign): Promise<void> {
    const attempt: Running = { runnerId, abort: new Stop() };
    running.set(requestId, attempt);
    const begun = queue.begin(requestId, { attemptId, runnerId, at: deps.clock() }, last ? 'keep' : 'refuse');
    // Otherwise a crash within the next moments would forget the attempt, and it would be made a second time.
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
      if (running.get(requestId) !== attempt) return; // aborted meanwhile: the verdict fell already
      if (done.response) attempt.response = done.response;
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
    queue.complete(id, outcome, deps.clock()).catch(deps.report);
  }

  function end(requestId: RequestId, error: PlatformError): void {
    const direct = directs.get(requestId);
    if (direct) {
      direct.error = error;
      directs.delete(requestId);
      if (!direct.leased) direct.granted(error);
      return;
    }
    running.delete(requestId);
    complete(requestId, { kind: 'error', error });
  }

  return {
    /** See `Fleet.lease`. */
    lease(info: RequestInfo, gone: StopSignal): Promise<Lease | PlatformError> {
      return new Promise((granted) => {
        const abort = new Stop();
        directs.set(info.id, { info, granted, abort, leased: false, error: platformError('internal_error', '') });
        gone.addEventListener('abort', () => dispatch({ type: 'requestWithdrawn', requestId: info.id }), {
          once: true,
        });
        dispatch({ type: 'requestArrived', request: info });
        if (gone.aborted) dispatch({ type: 'requestWithdrawn', requestId: info.id });
      });
    },

    assign(effect: Assign): void {
      const direct = directs.get(effect.requestId);
      if (direct) assignDirect(direct, effect.attemptId, effect.runnerId);
      else assignQueued(effect).catch((error) => deps.failed(effect, error));
    },

    abort(requestId: RequestId): void {
      // Fired after the whole step, so that the reason (a later effect) is known to anyone who listens.
      const abort = directs.get(requestId)?.abort ?? running.get(requestId)?.abort;
      if (abort) aborting.push(abort);
      running.delete(requestId);
    },

    accept(requestId: RequestId): void {
      if (directs.delete(requestId)) return;
      const { response, error = lost } = running.get(requestId) ?? {};
      running.delete(requestId);
      complete(requestId, response ? { kind: 'response', response } : { kind: 'error', error });
    },

    requeue(requestId: RequestId, retried?: Retried): void {
      running.delete(requestId);
      queue.requeue(requestId, retried);
    },

    fail: (requestId: RequestId, error: SchedulerError): void => end(requestId, wordError(error)),

    /** Ends a request at which we ourselves failed. */
    giveUp(requestId: RequestId): void {
      const abort = directs.get(requestId)?.abort ?? running.get(requestId)?.abort;
      end(requestId, platformError('internal_error', 'minifal failed at this request; its own log says more.'));
      if (abort) aborting.push(abort);
    },

    /** After all effects of a step. */
    settled(): void {
      const now = aborting;
      aborting = [];
      for (const controller of now) controller.abort();
    },

    /** The runner that performs this request now. */
    runnerOf(requestId: RequestId): RunnerId | undefined {
      return running.get(requestId)?.runnerId;
    },
  };
}

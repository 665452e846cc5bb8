import type { RunnerAddress } from '../../engines/engine.ts';
import type { Answer } from '../../exchange/answers.ts';
import { Stop, type StopSignal } from '../../local/loop/stop-signal.ts';
import type { Effect } from '../../scheduler/effects.ts';
import type { AttemptOutcome, Event } from '../../scheduler/events.ts';
import type { AliasName, RequestId, RunnerId } from '../../scheduler/types.ts';
import type { CallInfo } from '../../telemetry/requests/types.ts';
import { type PlatformError, platformError } from '../../wire/errors.ts';
import type { Lease } from '../types.ts';

interface Direct {
  readonly info: CallInfo;
  readonly granted: (lease: Lease | PlatformError) => void;
  readonly abort: Stop;
  leased: boolean;
  error: PlatformError;
  answer?: Answer;
  /** Ends the attempt with this outcome, unless it has ended. */
  finish?: (outcome: AttemptOutcome) => void;
}

/** A connection to it is refused. */
const nowhere: RunnerAddress = { host: '127.0.0.1', port: 0 };

type Assign = Extract<Effect, { readonly type: 'assign' }>;

/**
 * Leases of direct requests. Each request waits for a slot on a runner, and holds it until it reports how its attempt
 * ended.
 */
export interface Leases {
  /** See `Fleet.lease`. */
  lease(info: CallInfo, gone: StopSignal): Promise<Lease | PlatformError>;
  /** Here and below, returns `false` if there is no direct request with this ID. */
  assign(effect: Assign): boolean;
  accept(id: RequestId): boolean;
  /** Ends the request with an error, instead of a lease or as the reason of its abort. */
  end(id: RequestId, error: PlatformError): boolean;
  /** Ends the running attempt as if the app had given this answer. `false`, too: a function gives none. */
  answer(id: RequestId, answer: Answer): boolean;
  /** Aborts the request. */
  abortOf(id: RequestId): Stop | undefined;
}

/** A direct request as the scheduler sees it: one attempt, whatever its app configures for retries. */
export function directInfo(
  about: Pick<
    CallInfo,
    'id' | 'alias' | 'channel' | 'method' | 'path' | 'submittedAt' | 'startBy' | 'hint' | 'isUnlisted' | 'aside'
  >,
): CallInfo {
  return { ...about, kind: 'direct', priority: 'normal', noRetry: true, retries: {}, attempts: 0 };
}

export function createLeases({
  addressOf,
  readyOf,
  dispatch,
  arrived,
  answered,
}: {
  readonly addressOf: (runnerId: RunnerId) => RunnerAddress | null;
  /** A runner of the alias's present code that can serve. */
  readonly readyOf: (alias: AliasName) => RunnerId | undefined;
  readonly dispatch: (event: Event) => void;
  /** Called before the scheduler knows of the request. */
  readonly arrived: (info: CallInfo) => void;
  /** Called before the scheduler knows of the response. */
  readonly answered: (id: RequestId, status: number) => void;
}): Leases {
  const directs = new Map<RequestId, Direct>();

  /** The scheduler doesn't know of it. If the runner ends, so does the connection to it. */
  function leaseAside(runnerId: RunnerId): Lease {
    const address = addressOf(runnerId) ?? nowhere;
    const reason = () => platformError('internal_error', '');
    return { runnerId, address, aborted: new Stop(), reason, end: () => undefined };
  }

  return {
    lease(info, gone) {
      const ready = info.aside && readyOf(info.alias);
      if (ready !== undefined) return Promise.resolve(leaseAside(ready));
      if (info.aside === 'or fails') {
        return Promise.resolve(platformError('runner_scheduling_failure', 'No runner is ready.'));
      }
      return new Promise((granted) => {
        const abort = new Stop();
        directs.set(info.id, { info, granted, abort, leased: false, error: platformError('internal_error', '') });
        gone.addEventListener('abort', () => dispatch({ type: 'requestWithdrawn', requestId: info.id }), {
          once: true,
        });
        arrived(info);
        dispatch({ type: 'requestArrived', request: info });
        if (gone.aborted) dispatch({ type: 'requestWithdrawn', requestId: info.id });
      });
    },

    assign({ requestId, attemptId, runnerId }) {
      const direct = directs.get(requestId);
      if (!direct) return false;
      direct.leased = true;
      let ended = false;
      const end = (outcome: AttemptOutcome, hints?: readonly string[]): void => {
        if (ended) return;
        ended = true;
        if (outcome.kind === 'response') answered(requestId, outcome.status);
        dispatch({ type: 'attemptEnded', requestId, attemptId, outcome, ...(hints ? { hints } : {}) });
      };
      direct.finish = end;
      direct.granted({
        runnerId,
        address: addressOf(runnerId) ?? nowhere,
        aborted: direct.abort,
        reason: () => direct.error,
        answer: () => direct.answer,
        end,
      });
      return true;
    },

    answer(id, answer) {
      const direct = directs.get(id);
      if (!direct?.finish || direct.info.channel === 'function') return false;
      direct.answer = answer;
      direct.finish({ kind: 'response', status: answer.status });
      direct.abort.abort();
      return true;
    },

    accept: (id) => directs.delete(id),

    end(id, error) {
      const direct = directs.get(id);
      if (!direct) return false;
      direct.error = error;
      directs.delete(id);
      if (!direct.leased) direct.granted(error);
      return true;
    },

    abortOf: (id) => directs.get(id)?.abort,
  };
}

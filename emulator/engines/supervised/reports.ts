import type { CallResult, RunnerEvents } from '../engine.ts';
import type { Ending } from '../exit.ts';
import type { RunnerLines } from './lines.ts';
import type { Message } from './messages.ts';

type Handlers<E extends Message['event']> = {
  readonly [Event in E]: (message: Extract<Message, { event: Event }>) => void;
};

/** Passes on what a runner reports, in whichever kind of environment it runs. */
export interface Reports {
  readonly handlers: Handlers<
    'loaded' | 'done' | 'returned' | 'failed' | 'line' | 'exception' | 'step' | 'flushed' | 'result' | 'refused'
  >;
  /** It stops because it has served its maximum number of requests. */
  isDone(): boolean;
  clues(): Pick<Ending, 'returned' | 'failure' | 'lastException' | 'place' | 'advice'>;
}

export function createReports(deps: {
  readonly events: RunnerEvents;
  readonly lines: RunnerLines;
  readonly clock: () => number;
  /** Where the value of a function is when `result` is reported. */
  readonly resultFile: string;
  /** The function of a `call` runner waits for its call. */
  readonly onLoaded: () => void;
}): Reports {
  const { events, lines } = deps;
  let [done, returned] = [false, false];
  let failure: string | null = null;
  return {
    handlers: {
      loaded: deps.onLoaded,
      done() {
        done = true;
        events.done();
      },
      returned() {
        returned = true;
      },
      failed({ reason }) {
        failure = reason;
      },
      line: lines.take,
      exception({ requestId, endpoint, type, message, phase, frames }) {
        const exception = { type, message, phase, frames };
        lines.failedWith(exception);
        events.exception({ at: deps.clock(), exception, requestId, endpoint });
      },
      step: ({ event: _, id: _id, ...step }) => events.step(step),
      flushed: lines.answered,
      result: (message) => events.result(callResult(message, deps.resultFile)),
      refused: ({ reason }) => events.result({ kind: 'refused', reason }),
    },
    isDone: () => done,
    clues: () => ({ ...lines.clues(), returned, failure }),
  };
}

function callResult(message: Extract<Message, { event: 'result' }>, file: string): CallResult {
  const { method, raised } = message;
  if (raised === null) return { kind: 'value', method, file, raised: false };
  return { kind: 'value', method, file, ...raised, raised: true };
}

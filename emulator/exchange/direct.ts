import type { RunnerAddress } from '../engines/engine.ts';
import type { StopSignal } from '../local/loop/stop-signal.ts';
import type { AttemptOutcome } from '../scheduler/events.ts';
import type { CallInfo } from '../telemetry/requests/types.ts';
import type { PlatformError } from '../wire/errors.ts';
import type { Answer } from './answers.ts';
import { eachChunk } from './bodies/chunks.ts';
import { type HeaderList, type Signals, signalsOf, toCaller } from './headers.ts';
import type { LateUnits } from './late-units.ts';
import { answered, incomplete } from './outcomes.ts';
import { type Links, performAttempt, type UpstreamBody } from './upstream.ts';

/**
 * A direct call: one runner, one attempt, never retried by the platform (docs/platform/gateway.md#direct-calls). The
 * sink decides how the answer reaches the caller (an HTTP response, frames of a websocket).
 */
export interface DirectCall {
  readonly info: CallInfo;
  readonly method: string;
  /** Path within the app, without query: `/cancel` is appended to it. */
  readonly path: string;
  readonly query: string;
  /** The complete headers for the app. */
  readonly headers: HeaderList;
  readonly body: UpstreamBody;
}

export interface Sink {
  /** The head of the answer, with the headers that may reach the caller. */
  start(status: number, headers: HeaderList): void;
  /** `undefined`: the sink takes more now; otherwise, wait for the promise. */
  write(chunk: Buffer): Promise<void> | undefined;
  end(): void;
  /** Called instead of `start`: the platform's own answer. */
  refuse(answer: Answer): void;
  /** Called after `start`: the answer broke off. */
  cut(): void;
}

/** How the attempt of a direct call ended. */
export interface Ending {
  readonly outcome: AttemptOutcome;
  /** `start` was called. */
  readonly isStarted: boolean;
  /** Absent: the whole answer was passed on. */
  readonly error?: PlatformError;
  /** Absent: there was no answer, or only a part of one. */
  readonly signals?: Signals;
}

/**
 * Performs a direct call on a runner: passes its answer to `sink` as it arrives, except for the final call (`end`,
 * `cut`, `refuse`). Each of `signals` closes the connection to the runner. Never rejects.
 */
export function createStreaming({ links, lateUnits }: { links: Links; lateUnits: Pick<LateUnits, 'expect'> }) {
  return async function stream(
    call: DirectCall,
    runner: { readonly runnerId: string; readonly address: RunnerAddress },
    sink: Pick<Sink, 'start' | 'write'>,
    signals: readonly StopSignal[],
  ): Promise<Ending> {
    const { method, path, query, headers, body } = call;
    const answer = await performAttempt({
      address: runner.address,
      links,
      method,
      path: query === '' ? path : `${path}?${query}`,
      headers,
      body,
      signals,
    });
    if (answer.kind === 'failed') return { outcome: answer.outcome, error: answer.error, isStarted: false };
    const read = signalsOf(answer.headers, answer.status);
    const { id, alias } = call.info;
    // Registered before the answer is passed on, because the app's report may arrive before the answer ends.
    if (read.billsLater) lateUnits.expect({ id, alias, runnerId: runner.runnerId, endpoint: path });
    try {
      sink.start(answer.status, [...toCaller(answer.headers, answer.status), ['x-fal-served-from', runner.runnerId]]);
      await eachChunk(answer.message, (chunk) => sink.write(chunk));
    } catch {
      return { ...incomplete, isStarted: true };
    }
    return { outcome: answered(answer.status, read), signals: read, isStarted: true };
  };
}

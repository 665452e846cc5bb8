import { type Answer, errorAnswer } from '../../exchange/answers.ts';
import { type HeaderList, type Signals, signalsOf, toCaller } from '../../exchange/headers.ts';
import { eachChunk, incomplete, performAttempt, sendCancel, type UpstreamBody } from '../../exchange/upstream.ts';
import type { StopSignal } from '../../local/loop/stop.ts';
import type { AttemptOutcome, RequestInfo } from '../../scheduler/types.ts';
import type { PlatformError } from '../../wire/errors.ts';
import type { GatewayDeps } from './context.ts';

/**
 * A direct call: one runner, one attempt, never retried by the platform (docs/platform/gateway.md#direct-calls). Who
 * the caller is on the wire (an HTTP response, frames of a websocket) is the sink's business.
 */
export interface DirectCall {
  readonly info: RequestInfo;
  readonly method: string;
  /** Path at the app, without query: where `/cancel` is appended. */
  readonly path: string;
  readonly query: string;
  /** For the app, complete. */
  readonly headers: HeaderList;
  readonly body: UpstreamBody;
}

export interface Sink {
  /** The head of the answer, as the caller may see it. */
  start(status: number, headers: HeaderList): void;
  /** `undefined`: more may come; else when the promise resolves. */
  write(chunk: Buffer): Promise<void> | undefined;
  end(): void;
  /** Instead of `start`: the platform's own answer. */
  refuse(answer: Answer): void;
  /** After `start`: the answer broke off. */
  cut(): void;
}

/**
 * Resolves when the call is over and its lease ended. `gone` aborts when the caller is no longer there. Never rejects.
 */
export async function callDirect(deps: GatewayDeps, call: DirectCall, sink: Sink, gone: StopSignal): Promise<void> {
  const lease = await deps.fleet.lease(call.info, gone);
  if ('kind' in lease) {
    if (!gone.aborted) sink.refuse(errorAnswer(lease));
    return;
  }
  if (gone.aborted) return lease.end({ kind: 'caller_gone' });

  const exchange = await performAttempt({
    address: lease.address,
    connections: deps.connections,
    method: call.method,
    path: call.query === '' ? call.path : `${call.path}?${call.query}`,
    headers: call.headers,
    body: call.body,
    signals: [gone, lease.aborted],
  });
  const started = exchange.kind === 'answer';
  let ending: Ending = started ? endedBy(exchange.status, exchange.headers) : exchange;
  if (started) {
    const { id, alias } = call.info;
    // Before the answer: its report may come before the end of it.
    if (ending.signals?.billsLater) {
      deps.lateUnits.expect({ id, alias, runnerId: lease.runnerId, endpoint: call.path });
    }
    try {
      sink.start(exchange.status, [
        ...toCaller(exchange.headers, exchange.status),
        ['x-fal-served-from', lease.runnerId],
      ]);
      await eachChunk(exchange.message, (chunk) => sink.write(chunk));
    } catch {
      ending = incomplete;
    }
  }

  if (ending.error && gone.aborted) {
    // Our connection is closed; an app that can't see that has a second chance (docs/platform/gateway.md#direct-calls,
    // #cancel).
    lease.end({ kind: 'caller_gone' });
    await sendCancel(lease.address, call.path, call.info.id);
    return;
  }
  lease.end(ending.outcome, ending.signals?.hints);
  if (ending.signals?.healthCheck) deps.fleet.probeOnDemand(lease.runnerId);
  if (!ending.error) sink.end();
  else if (started) sink.cut();
  else sink.refuse(errorAnswer(lease.aborted.aborted ? lease.reason() : ending.error));
}

interface Ending {
  readonly outcome: AttemptOutcome;
  readonly error?: PlatformError;
  readonly signals?: Signals;
}

function endedBy(status: number, headers: HeaderList): Ending {
  const signals = signalsOf(headers, status);
  const { needsRetry, stopRunner } = signals;
  return {
    outcome: {
      kind: 'response',
      status,
      ...(needsRetry === undefined ? {} : { needsRetry }),
      ...(stopRunner === undefined ? {} : { stopRunner }),
    },
    signals,
  };
}

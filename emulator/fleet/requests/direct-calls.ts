import { type Answer, errorAnswer } from '../../exchange/answers.ts';
import type { DirectCall, Sink } from '../../exchange/direct.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { notMade } from '../../exchange/outcomes.ts';
import type { SocketHalf } from '../../exchange/sockets/socket-pair.ts';
import { refuseSocket, type SocketCall } from '../../exchange/sockets/tunnel.ts';
import type { StopSignal } from '../../local/loop/stop-signal.ts';
import type { PlatformError } from '../../wire/errors.ts';
import type { Fleet, Lease } from '../types.ts';

/** Direct calls: takes a lease on a runner, makes one exchange with it, and reports the outcome to the scheduler. */
export interface DirectCalls {
  /**
   * Resolves when the call is over and its lease has ended. `gone` aborts when the caller disconnects. Here and below,
   * rejects only because of a bug in minifal; the lease has ended then, too.
   */
  call(call: DirectCall, sink: Sink, gone: StopSignal): Promise<void>;
  /**
   * Connects a caller's WebSocket to one of the app; the connection counts as one request for its whole lifetime.
   * Messages from the caller wait until there is a runner. `gone` aborts when the caller has closed its socket.
   * Resolves when both sockets are closed.
   */
  connect(call: SocketCall, caller: SocketHalf, gone: StopSignal): Promise<void>;
}

export function createDirectCalls({
  fleet,
  exchange,
}: {
  readonly fleet: Pick<Fleet, 'lease' | 'probeOnDemand'>;
  readonly exchange: Pick<Exchange, 'stream' | 'openTunnel' | 'cancel'>;
}): DirectCalls {
  return {
    async call(call, sink, gone) {
      const lease = await fleet.lease(call.info, gone);
      if ('kind' in lease) {
        if (!gone.aborted) sink.refuse(errorAnswer(lease));
        return;
      }
      if (gone.aborted) return lease.end({ kind: 'caller_gone' });
      const { runnerId, address } = lease;
      const runner = { runnerId, address };
      const ending = await over(lease, () => exchange.stream(call, runner, sink, [gone, lease.aborted]));
      const { outcome, error, signals, isStarted } = ending;
      if (error && gone.aborted) {
        // Our connection is closed. An app that can't detect that is also sent a cancel call
        // (docs/platform/gateway.md#direct-calls, #cancel).
        lease.end({ kind: 'caller_gone' });
        await exchange.cancel(address, call.path, call.info.id);
        return;
      }
      lease.end(outcome, signals?.hints);
      if (signals?.healthCheck) fleet.probeOnDemand(runnerId);
      if (!error) sink.end();
      else if (isStarted) sink.cut();
      else sink.refuse(answerOf(lease, error));
    },

    async connect(call, caller, gone) {
      const lease = await fleet.lease(call.info, gone);
      if ('kind' in lease) return refuseSocket(caller);
      if (gone.aborted && !caller.hasPendingMessages()) return lease.end({ kind: 'caller_gone' });
      const signals = { gone, aborted: lease.aborted };
      const outcome = await over(lease, () => exchange.openTunnel(call, lease.address, caller, signals));
      lease.end(outcome);
      if (outcome.kind === 'caller_gone') await exchange.cancel(lease.address, call.path, call.info.id);
    },
  };
}

function answerOf({ aborted, answer, reason }: Lease, error: PlatformError): Answer {
  if (!aborted.aborted) return errorAnswer(saidBetter(reason(), error));
  return answer?.() ?? errorAnswer(reason());
}

/** The fleet's word on the same error also says why minifal ended the runner. */
function saidBetter(reason: PlatformError, error: PlatformError): PlatformError {
  return reason.type === error.type ? reason : error;
}

/** Ends the lease if the exchange throws, so that a bug in minifal doesn't hold a slot of the runner forever. */
async function over<T>(lease: Lease, exchanged: () => Promise<T>): Promise<T> {
  try {
    return await exchanged();
  } catch (error) {
    lease.end(notMade);
    throw error;
  }
}

import { errorAnswer } from '../../exchange/answers.ts';
import type { DirectCall, Sink } from '../../exchange/direct.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { notMade } from '../../exchange/outcomes.ts';
import type { Half } from '../../exchange/sockets/socket-pair.ts';
import { refuseSocket, type SocketCall } from '../../exchange/sockets/tunnel.ts';
import type { StopSignal } from '../../local/loop/stop-signal.ts';
import type { Fleet, Lease } from '../types.ts';

/** Calls that wait for their answer: a lease on a runner, one exchange with it, and what the scheduler hears of it. */
export interface DirectCalls {
  /**
   * Resolves when the call is over and its lease ended. `gone` aborts when the caller has left. Rejects, here and
   * below, by a bug of ours alone; the lease has ended then, too.
   */
  call(call: DirectCall, sink: Sink, gone: StopSignal): Promise<void>;
  /**
   * Joins a caller's websocket with one of the app's: one request for its whole life. Messages of the caller wait until
   * there is a runner. `gone` aborts when the caller has closed. Resolves when both are closed.
   */
  connect(call: SocketCall, caller: Half, gone: StopSignal): Promise<void>;
}

export function createDirectCalls({
  fleet,
  exchange,
}: {
  readonly fleet: Pick<Fleet, 'lease' | 'probeOnDemand'>;
  readonly exchange: Pick<Exchange, 'stream' | 'converse' | 'cancel'>;
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
        // Our connection is closed; an app that can't see that has a second chance
        // (docs/platform/gateway.md#direct-calls,
        // #cancel).
        lease.end({ kind: 'caller_gone' });
        await exchange.cancel(address, call.path, call.info.id);
        return;
      }
      lease.end(outcome, signals?.hints);
      if (signals?.healthCheck) fleet.probeOnDemand(runnerId);
      if (!error) sink.end();
      else if (isStarted) sink.cut();
      else sink.refuse(errorAnswer(lease.aborted.aborted ? lease.reason() : error));
    },

    async connect(call, caller, gone) {
      const lease = await fleet.lease(call.info, gone);
      if ('kind' in lease) return refuseSocket(caller);
      if (gone.aborted && !caller.hasLastWords()) return lease.end({ kind: 'caller_gone' });
      const signals = { gone, aborted: lease.aborted };
      const outcome = await over(lease, () => exchange.converse(call, lease.address, caller, signals));
      lease.end(outcome);
      if (outcome.kind === 'caller_gone') await exchange.cancel(lease.address, call.path, call.info.id);
    },
  };
}

/** A place on a runner must not be held for good by an exchange at which we failed. */
async function over<T>(lease: Lease, exchanged: () => Promise<T>): Promise<T> {
  try {
    return await exchanged();
  } catch (error) {
    lease.end(notMade);
    throw error;
  }
}

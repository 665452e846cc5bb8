import type { RunnerAddress } from '../../engines/engine.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { contain, type Report } from '../../local/loop/contain.ts';
import { inSlices } from '../../local/loop/slices.ts';
import type { Queue } from '../../queue/types.ts';
import type { Event } from '../../scheduler/events.ts';
import * as select from '../../scheduler/requests/select.ts';
import type { RequestId, RunnerId } from '../../scheduler/types.ts';
import type { Host } from '../host.ts';
import type { Fleet } from '../types.ts';

/** Cancels and flushes queued requests. */
export function createWithdrawals(deps: {
  readonly queue: Pick<Queue, 'record' | 'cancelRequested' | 'settled'>;
  readonly runnerOf: (id: RequestId) => RunnerId | undefined;
  readonly addressOf: (id: RunnerId) => RunnerAddress | null;
  readonly sendCancel: Exchange['cancel'];
  readonly world: Host['world'];
  readonly dispatch: (event: Event) => void;
  readonly report: Report;
}): Pick<Fleet, 'cancel' | 'flush'> {
  const { queue, world, dispatch } = deps;
  return {
    cancel(requestId) {
      const record = queue.record(requestId);
      if (!record) return 'unknown';
      if (record.phase === 'COMPLETED') return 'completed';
      const runnerId = deps.runnerOf(requestId);
      const address = runnerId ? deps.addressOf(runnerId) : null;
      // Store the cancellation, because runners end with the emulator: a confirmed cancellation must survive a crash.
      if (runnerId) queue.cancelRequested(requestId);
      if (address) contain(deps.report, deps.sendCancel)(address, record.path, requestId);
      dispatch({ type: 'requestWithdrawn', requestId });
      return 'requested';
    },
    async flush(alias) {
      let count = 0;
      await inSlices(select.waitingInOrder(world(), alias), (requestId) => {
        // Some requests have begun or ended since the first slice.
        if (!select.isWaiting(world(), requestId) || !queue.record(requestId)) return;
        count += 1;
        dispatch({ type: 'requestWithdrawn', requestId });
      });
      await queue.settled();
      return count;
    },
  };
}

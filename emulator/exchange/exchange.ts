import type { RunnerAddress } from '../engines/engine.ts';
import { sendCancel } from './cancel.ts';
import { createRunnerConnections } from './connections.ts';
import { createStreaming } from './direct.ts';
import { createExecutor } from './executor.ts';
import type { LateUnits } from './late-units.ts';
import { openTunnel } from './sockets/tunnel.ts';
import { createWriteBatches } from './write-batches.ts';

/** All HTTP communication from the platform to runners. It reports how an attempt ended and decides nothing. */
export interface Exchange {
  /** One attempt of a queued request; its answer is collected. */
  readonly perform: ReturnType<typeof createExecutor>;
  /** One attempt of a direct call; its answer is passed on as it arrives. */
  readonly stream: ReturnType<typeof createStreaming>;
  /** Opens a websocket of the app for a caller's websocket. */
  readonly openTunnel: typeof openTunnel;
  /** See `sendCancel`. */
  readonly cancel: (address: RunnerAddress, path: string, requestId: string) => Promise<void>;
}

/** One for the whole emulator. Its only state is its connections and the runners that have calls in progress. */
export function createExchange({ lateUnits }: { readonly lateUnits: Pick<LateUnits, 'expect'> }): Exchange {
  const links = { connections: createRunnerConnections(), writeBatches: createWriteBatches() };
  return {
    perform: createExecutor({ links, lateUnits }),
    stream: createStreaming({ links, lateUnits }),
    openTunnel,
    cancel: (...order) => sendCancel(links.writeBatches, ...order),
  };
}

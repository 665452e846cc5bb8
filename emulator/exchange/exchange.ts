import type { RunnerAddress } from '../engines/engine.ts';
import { sendCancel } from './cancel.ts';
import { createRunnerConnections } from './connections.ts';
import { createDepartures } from './departures.ts';
import { createStreaming } from './direct.ts';
import { createExecutor } from './executor.ts';
import type { LateUnits } from './late-units.ts';
import { converse } from './sockets/tunnel.ts';

/** Everything that the platform says to runners over HTTP. It reports how an attempt ended and decides nothing. */
export interface Exchange {
  /** One attempt of a queued request; its answer is collected. */
  readonly perform: ReturnType<typeof createExecutor>;
  /** One attempt of a direct call; its answer is handed on as it comes. */
  readonly stream: ReturnType<typeof createStreaming>;
  /** A websocket of the app for a caller's. */
  readonly converse: typeof converse;
  /** See `sendCancel`. */
  readonly cancel: (address: RunnerAddress, path: string, requestId: string) => Promise<void>;
}

/** One for the whole emulator: its connections and the runners that it has calls under way to are all that it keeps. */
export function createExchange({ lateUnits }: { readonly lateUnits: Pick<LateUnits, 'expect'> }): Exchange {
  const links = { connections: createRunnerConnections(), departures: createDepartures() };
  return {
    perform: createExecutor({ links, lateUnits }),
    stream: createStreaming({ links, lateUnits }),
    converse,
    cancel: (...order) => sendCancel(links.departures, ...order),
  };
}

import type { EdgeHandlers } from '../http-server.ts';
import type { GatewayDeps } from './context.ts';
import { createQueueHost } from './queue/queue-host.ts';
import { createRunHost } from './run/run-host.ts';
import { createTunnel } from './ws/tunnel.ts';
import { createWsHost } from './ws/ws-host.ts';

/**
 * The data plane: the run, queue, and ws hosts (docs/platform/gateway.md). It parses, authenticates, calls the queue
 * and the fleet, and formats the answers. It decides nothing about runners or retries, and has no state of its own.
 */
export interface Gateway {
  readonly run: EdgeHandlers;
  readonly queue: EdgeHandlers;
  readonly ws: EdgeHandlers;
  /**
   * Closes open websockets, which have calls in progress after their answers; plain connections end with their
   * listener.
   */
  close(): void;
}

export function createGateway(deps: GatewayDeps): Gateway {
  const tunnel = createTunnel(deps);
  const ws = createWsHost(deps);
  return {
    run: createRunHost(deps, tunnel),
    queue: createQueueHost(deps),
    ws,
    close() {
      tunnel.close();
      ws.close();
    },
  };
}

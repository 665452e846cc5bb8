import type { RequestListener } from 'node:http';
import type { Hosts } from '../../wire/hosts.ts';
import { withNamesBelowLocalhost } from '../host-names.ts';
import type { EdgeHandlers } from '../http-server.ts';
import type { GatewayDeps } from './context.ts';
import { createGateway } from './gateway.ts';
import { createWmaBridge } from './wma/wma-bridge.ts';

/** The gateway under each of its names: it checks Host against the name that the caller used. */
export interface Gateways {
  /** The hosts with their own ports; `run` also answers to older names below localhost. */
  readonly run: EdgeHandlers;
  readonly queue: EdgeHandlers;
  readonly ws: EdgeHandlers;
  /** The same hosts, and the bridge of WebRTC sessions, behind the api port (edge/proxy.ts). */
  readonly proxied: { readonly [host in 'run' | 'queue' | 'wma']: RequestListener };
  /** Closes open websockets and sessions; plain connections end with their listener. */
  close(): void;
}

export function createGateways(given: Omit<GatewayDeps, 'hosts' | 'followUpAuthority'>, hosts: Hosts): Gateways {
  const at = (named: Hosts): GatewayDeps => ({ ...given, hosts: () => named });
  const own = createGateway(at(hosts));
  const bridge = createWmaBridge(at(hosts));
  // The JS client's proxy mode.
  const proxied = createGateway({
    ...at({ ...hosts, run: hosts.api, queue: hosts.api }),
    followUpAuthority: hosts.queue,
  });
  // Older SDKs: the queue and ws hosts on the run host's port. The bridge has no other name.
  const below = { queue: `queue.${hosts.run}`, ws: `ws.${hosts.run}`, wma: `wma.${hosts.run}` };
  const named = createGateway(at({ ...hosts, queue: below.queue, ws: below.ws }));
  return {
    run: withNamesBelowLocalhost({ run: own.run, queue: named.queue, ws: named.ws, wma: bridge.at(below.wma) }, below),
    queue: own.queue,
    ws: own.ws,
    proxied: { run: proxied.run.request, queue: proxied.queue.request, wma: bridge.at(hosts.api).request },
    close() {
      own.close();
      proxied.close();
      named.close();
      bridge.close();
    },
  };
}

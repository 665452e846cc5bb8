import type { EdgeHandlers } from './http-server.ts';

/**
 * SDKs without separate variables for the queue and the ws host (FAL_QUEUE_RUN_HOST, FAL_WS_RUN_HOST; 1.79.1 and older)
 * put `queue.` and `ws.` in front of the run host: `ws.localhost:4711` is the ws host on the run host's port. The same
 * applies to `wma.`, the bridge of WebRTC sessions, which has no port of its own. The host is selected by the exact
 * Host header, and each of them checks the header again (guard.ts).
 */
export function withNamesBelowLocalhost(
  { run, queue, ws, wma }: { readonly [host in 'run' | 'queue' | 'ws' | 'wma']: EdgeHandlers },
  names: { readonly queue: string; readonly ws: string; readonly wma: string },
): EdgeHandlers {
  const chosen = (host: string | undefined): EdgeHandlers => {
    if (host === names.queue) return queue;
    if (host === names.wma) return wma;
    return host === names.ws ? ws : run;
  };
  return {
    request: (req, res) => chosen(req.headers.host).request(req, res),
    upgrade: (req, socket, head) => chosen(req.headers.host).upgrade(req, socket, head),
  };
}

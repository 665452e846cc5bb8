import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Engine, RunnerEvents, RunnerHandle } from '../engines/engine.ts';
import { noSession } from '../engines/no-session.ts';

/**
 * For tests: an engine whose runners are HTTP servers of this process. `/` answers what it got and writes a line,
 * `/again` answers 503 the first time, `/slow` when its request is cancelled, `/die` ends the runner.
 */
export function createTestEngine(): Engine {
  const servers = new Set<Server>();
  return {
    warm: () => undefined,
    start(spec, events) {
      const isFunction = spec.mode === 'call';
      let ended = false;
      const exit = (signal: string | null, code: number | null): void => {
        if (ended) return;
        ended = true;
        server.close();
        server.closeAllConnections();
        servers.delete(server);
        setImmediate(() => events.exited({ code, signal, reason: `It ended with ${signal ?? code}.` }));
      };
      const server = appServer(events, () => exit(null, 1));
      servers.add(server);
      server.listen(0, '127.0.0.1', () => {
        events.pulling(50);
        events.started();
        if (ended) return;
        events.ready(isFunction ? null : { host: '127.0.0.1', port: (server.address() as AddressInfo).port });
      });
      const handle: RunnerHandle = {
        runnerId: spec.runnerId,
        call: () => setImmediate(() => events.result({ kind: 'refused', reason: 'it can only be refused' })),
        terminate: () => exit('SIGTERM', null),
        kill: () => exit('SIGKILL', null),
        probe: async () => true,
        linesTold: async () => undefined,
        checkTcp: async () => true,
        exec(_command, _options, io) {
          setImmediate(() => {
            io.output(1, Buffer.from('hello'));
            io.drained();
            io.exited(0);
          });
          return noSession;
        },
        dispose: async () => undefined,
      };
      return handle;
    },
    async close() {
      for (const server of servers) server.close().closeAllConnections();
    },
  };
}

function appServer(events: RunnerEvents, die: () => void): Server {
  let calls = 0;
  const slow = new Map<string, () => void>();
  return createServer(async (request, response) => {
    const id = String(request.headers['x-fal-request-id']);
    const answer = (status: number, body: string): void => {
      if (!response.headersSent) response.writeHead(status, { 'content-type': 'application/json' }).end(body);
    };
    events.line({ at: Date.now(), stream: 'stdout', text: `serves ${request.url}`, requestId: id });
    const body = await text(request);
    if (request.url === '/die') die();
    else if (request.url === '/slow') slow.set(id, () => answer(499, '{}'));
    else if (request.url === '/slow/cancel') {
      slow.get(id)?.();
      answer(200, '{}');
    } else if (request.url === '/again' && calls++ === 0) answer(503, '{}');
    else answer(200, body === '' ? '{}' : body);
  });
}

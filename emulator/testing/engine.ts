import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Engine, RunnerEvents } from '../engines/engine.ts';
import { noSession } from '../engines/no-session.ts';
import { createFakeEngine } from '../engines/testing/fake-engine.ts';
import type { RunnerException } from '../wire/log-lines.ts';

const exception = {
  type: 'SystemExit',
  message: '1',
  phase: 'request',
  frames: [{ file: '/app/app.py', line: 3, function: 'die', isApp: true }],
} satisfies RunnerException;

/**
 * A fake engine whose runners are HTTP servers of this process. `/` answers what it got and writes a line, `/again`
 * answers 503 the first time, `/slow` when its request is cancelled, `/die` raises an exception and ends the runner.
 */
export function createTestEngine(): Engine {
  return createFakeEngine(({ spec, events, ended }) => {
    const isFunction = spec.mode === 'call';
    const server = appServer(events, () => events.exited({ code: 1, signal: null, reason: 'It ended with 1.' }));
    ended.addEventListener('abort', () => server.close().closeAllConnections());
    server.listen(0, '127.0.0.1', () => {
      events.pulling(50);
      events.started();
      if (ended.aborted) return;
      events.ready(isFunction ? null : { host: '127.0.0.1', port: (server.address() as AddressInfo).port });
    });
    return {
      call: () => setImmediate(() => events.result({ kind: 'refused', reason: 'it can only be refused' })),
      async debug() {
        for (const state of ['attached', 'paused', null] as const) events.debug(state);
        return { ok: true };
      },
      exec(_command, _options, io) {
        setImmediate(() => {
          io.output(1, Buffer.from('hello'));
          io.drained();
          io.exited(0);
        });
        return noSession;
      },
    };
  });
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
    if (request.url === '/die') {
      events.exception({ at: Date.now(), exception, requestId: id, endpoint: request.url });
      die();
    } else if (request.url === '/slow') slow.set(id, () => answer(499, '{}'));
    else if (request.url === '/slow/cancel') {
      slow.get(id)?.();
      answer(200, '{}');
    } else if (request.url === '/again' && calls++ === 0) answer(503, '{}');
    else answer(200, body === '' ? '{}' : body);
  });
}

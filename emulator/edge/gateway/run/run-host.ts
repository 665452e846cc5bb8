import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Answer, errorAnswer } from '../../../exchange/answers.ts';
import { callerBody } from '../../../exchange/bodies/caller-body.ts';
import type { DirectCall, Sink } from '../../../exchange/direct.ts';
import { headerOf, pairs, toApp } from '../../../exchange/headers.ts';
import { directInfo } from '../../../fleet/requests/leases.ts';
import { Stop } from '../../../local/loop/stop-signal.ts';
import { unlistedHeader } from '../../../wire/unlisted.ts';
import { isWorkflow } from '../../../workflows/requests.ts';
import { type EdgeHandlers, writeRawAnswer } from '../../http-server.ts';
import { admit, answering, greet } from '../admission.ts';
import { type Envelope, flushHead, send, tooLarge, writeHead } from '../answers.ts';
import { appId } from '../app-url.ts';
import type { GatewayDeps } from '../context.ts';
import { readRequestOptions, startBy } from '../request-info.ts';
import { serveWorkflow } from '../workflows/workflow-call.ts';
import type { Tunnel } from '../ws/tunnel.ts';

/** The run host: direct calls with any method, streamed in both directions, and websockets tunneled to the app. */
export function createRunHost(deps: GatewayDeps, tunnel: Tunnel): EdgeHandlers {
  return {
    request: answering(deps, serve),
    upgrade(req, socket, head) {
      const greeting = greet(deps, req, deps.hosts().run);
      const admission = greeting.ok ? admit(deps, req) : greeting;
      if (!admission.ok) {
        const { status, body } = admission.answer;
        return writeRawAnswer(socket, status, body, greeting.envelope.requestId);
      }
      tunnel.open(req, socket, head, { ...admission, requestId: greeting.envelope.requestId });
    },
  };
}

async function serve(deps: GatewayDeps, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const greeting = greet(deps, req, deps.hosts().run);
  const { envelope } = greeting;
  const refuse = (answer: Answer): void => send(res, envelope, answer);
  if (!greeting.ok) return refuse(greeting.answer);
  const admission = admit(deps, req);
  if (!admission.ok) return refuse(admission.answer);

  const { target, access } = admission;
  if (isWorkflow(target.route.alias)) {
    return await serveWorkflow(deps, req, res, { admission, envelope });
  }
  const headers = pairs(req.rawHeaders);
  const options = readRequestOptions(headers, access.isOwner);
  if ('kind' in options) return refuse(errorAnswer(options));
  const { maxRequestBytes } = deps.limits;
  if (Number(req.headers['content-length'] ?? 0) > maxRequestBytes) return refuse(tooLarge(maxRequestBytes));

  const gone = new Stop();
  res.on('close', () => {
    if (!res.writableFinished) gone.abort();
  });
  const { body, release } = callerBody(req, deps.spool, maxRequestBytes, () => {
    if (!res.headersSent) refuse(tooLarge(maxRequestBytes));
    gone.abort();
  });
  const submittedAt = deps.clock();
  const isSchema = target.path === '/openapi.json' && req.method === 'GET' && access.isOwner;
  const unlisted = isSchema ? headerOf(headers, unlistedHeader) : undefined;
  const call: DirectCall = {
    info: directInfo({
      id: envelope.requestId,
      alias: target.route.alias,
      channel: 'direct',
      method: req.method ?? 'GET',
      path: target.path,
      submittedAt,
      startBy: startBy(options, target.route, access, submittedAt),
      hint: options.hint,
      ...(unlisted === '1' ? { isUnlisted: true, aside: 'or waits' } : {}),
      ...(unlisted === 'ready' ? { isUnlisted: true, aside: 'or fails' } : {}),
    }),
    method: req.method ?? 'GET',
    path: target.path,
    query: target.query,
    headers: toApp(headers, {
      requestId: envelope.requestId,
      app: appId(target),
      path: target.path,
      callerId: access.callerId,
    }),
    body,
  };
  try {
    await deps.calls.call(call, httpSink(req, res, envelope), gone);
  } finally {
    release();
  }
}

/**
 * The number of bytes of an answer that are buffered for a caller who is still sending. Most callers read nothing
 * before they have sent everything, so without a buffer, an app that answers early would wait for the caller, and the
 * caller for the app. Above this limit, both wait until the app's `request_timeout`.
 */
const maxEarlyBytes = 16 * 1024 * 1024;

function httpSink(req: IncomingMessage, res: ServerResponse, envelope: Envelope): Sink {
  let onlyHead = true;
  return {
    start(status, headers) {
      writeHead(res, envelope, status, headers);
      // An event stream may stay silent for a long time; data that is available at once is sent in the same packet as
      // the head.
      setImmediate(() => {
        if (onlyHead && !res.writableEnded && !res.destroyed) flushHead(res);
      });
    },
    write(chunk) {
      onlyHead = false;
      if (res.write(chunk) || res.closed) return undefined;
      if (!req.complete && res.writableLength < maxEarlyBytes) return undefined;
      return new Promise((resolve) => {
        const go = (): void => {
          res.off('drain', go).off('close', go);
          resolve();
        };
        res.on('drain', go).on('close', go);
      });
    },
    end: () => void res.end(),
    refuse: (answer) => send(res, envelope, answer),
    cut: () => void res.destroy(),
  };
}

import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import { jsonAnswer } from '../../../exchange/answers.ts';
import type { Sink } from '../../../exchange/direct.ts';
import { type HeaderList, headerOf, pairs, toApp } from '../../../exchange/headers.ts';
import { keepsUp, pingWhilePaused, sizeOf } from '../../../exchange/sockets/socket-pair.ts';
import { maxMessageBytes } from '../../../exchange/sockets/tunnel.ts';
import { directInfo } from '../../../fleet/requests/leases.ts';
import { isWorkflow } from '../../../workflows/requests.ts';
import { type EdgeHandlers, writeRawAnswer } from '../../http-server.ts';
import { admit, answering, greet } from '../admission.ts';
import { send } from '../answers.ts';
import { appId } from '../app-url.ts';
import type { GatewayDeps } from '../context.ts';
import { readRequestOptions, startBy } from '../request-info.ts';
import { callWorkflow } from '../workflows/workflow-call.ts';
import { bodyFramer } from './frames.ts';
import type { TunnelOrder } from './tunnel.ts';

/** The number of waiting requests of one connection above which it is no longer read. */
const maxPipelined = 64;

/**
 * The ws host: HTTP over WebSocket, one direct call per frame, strictly in order.
 * docs/platform/gateway.md#http-over-websocket.
 */
export function createWsHost(deps: GatewayDeps): EdgeHandlers & { close(): void } {
  const server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: Math.min(deps.limits.maxRequestBytes, maxMessageBytes),
  });
  const closers = new WeakMap<WebSocket, () => void>();
  server.on('wsClientError', (error, socket) => writeRawAnswer(socket, 400, error.message));
  return {
    request: answering(deps, refusePlain),
    upgrade(req, socket, head) {
      const greeting = greet(deps, req, deps.hosts().ws);
      const admission = greeting.ok ? admit(deps, req) : greeting;
      const { requestId } = greeting.envelope;
      if (!admission.ok) return writeRawAnswer(socket, admission.answer.status, admission.answer.body, requestId);
      server.handleUpgrade(req, socket, head, (caller) => {
        closers.set(caller, serve(deps, req, caller, { ...admission, requestId }));
      });
    },
    close() {
      for (const socket of server.clients) closers.get(socket)?.();
      server.close();
    },
  };
}

async function refusePlain(deps: GatewayDeps, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const greeting = greet(deps, req, deps.hosts().ws);
  const answer = jsonAnswer(426, { detail: 'The ws host accepts only websockets.' }, [['upgrade', 'websocket']]);
  send(res, greeting.envelope, greeting.ok ? answer : greeting.answer);
}

/** Serves a caller; returns a function that closes its socket (1001) after the pending answers. */
function serve(deps: GatewayDeps, req: IncomingMessage, caller: WebSocket, about: TunnelOrder): () => void {
  const gone = new AbortController();
  const waiting: { readonly data: RawData; readonly binary: boolean }[] = [];
  let waitingBytes = 0;
  let busy = false;
  let isLeaving = false;
  const isFull = (): boolean => waiting.length >= maxPipelined || waitingBytes > deps.limits.maxHeldSocketBytes;
  caller.on('error', () => undefined); // 'close' follows
  caller.on('close', () => gone.abort());
  pingWhilePaused(caller);
  caller.on('message', (data, binary) => {
    waiting.push({ data, binary });
    waitingBytes += sizeOf(data);
    if (isFull()) caller.pause();
    if (!busy) drain().catch(fail);
  });
  const drain = async (): Promise<void> => {
    busy = true;
    for (let next = waiting.shift(); next && !gone.signal.aborted; next = waiting.shift()) {
      waitingBytes -= sizeOf(next.data);
      if (caller.isPaused && !isFull()) caller.resume();
      await callOnce(deps, req, caller, about, next.data, next.binary, gone.signal);
      // A caller that only sends and doesn't read its answers is not read any further.
      await keepsUp(caller);
    }
    busy = false;
    if (isLeaving) caller.close(1001);
  };
  const fail = (error: unknown): void => {
    deps.report(error);
    caller.close(1011, 'The gateway failed');
  };
  return () => {
    isLeaving = true;
    if (!busy) caller.close(1001);
  };
}

async function callOnce(
  deps: GatewayDeps,
  req: IncomingMessage,
  caller: WebSocket,
  { target, access }: TunnelOrder,
  data: RawData,
  binary: boolean,
  gone: AbortSignal,
): Promise<void> {
  const requestId = randomUUID();
  const submittedAt = deps.clock();
  const sink = frameSink(deps, caller, requestId, submittedAt);
  // The headers of the handshake don't apply to the calls inside.
  const given = pairs(req.rawHeaders).filter(([name]) => !name.startsWith('sec-websocket-') && name !== 'content-type');
  if (isWorkflow(target.route.alias)) {
    const admission = { ok: true, target, access } as const;
    const order = { requestId, admission, path: target.path, headers: given, body: bytesOf(data) };
    const answer = await callWorkflow(deps.requests, order, gone);
    if (!gone.aborted) sink.refuse(answer);
    return;
  }
  const options = readRequestOptions(given, access.isOwner);
  const about = { requestId, app: appId(target), path: target.path, callerId: access.callerId };
  const type: [string, string] = ['content-type', binary ? 'application/octet-stream' : 'application/json'];
  await deps.calls.call(
    {
      info: directInfo({
        id: requestId,
        alias: target.route.alias,
        channel: 'direct',
        method: 'POST',
        path: target.path,
        submittedAt,
        startBy: 'kind' in options ? null : startBy(options, target.route, access, submittedAt),
        hint: 'kind' in options ? null : options.hint,
      }),
      method: 'POST',
      path: target.path,
      query: target.query,
      headers: [...toApp(given, about), type],
      body: { kind: 'bytes', bytes: bytesOf(data) },
    },
    sink,
    gone,
  );
}

/** One answer as frames: start, body, end. */
function frameSink(deps: GatewayDeps, caller: WebSocket, requestId: string, receivedAt: number): Sink {
  let framer = bodyFramer('');
  let status = 0;
  let firstByteAt = receivedAt;
  const control = (value: object): void => caller.send(JSON.stringify(value));
  const start: Sink['start'] = (code, headers) => {
    status = code;
    firstByteAt = deps.clock();
    framer = bodyFramer(headerOf(headers, 'content-type') ?? '');
    control({ type: 'start', request_id: requestId, status, headers: objectOf(headers, requestId) });
  };
  const end = (): void => {
    for (const { data, binary } of framer.end()) caller.send(data, { binary });
    const seconds = (firstByteAt - receivedAt) / 1000;
    control({ type: 'end', request_id: requestId, status, time_to_first_byte_seconds: seconds });
  };
  return {
    start,
    async write(chunk) {
      for (const { data, binary } of framer.push(chunk)) {
        await new Promise<void>((resolve) => caller.send(data, { binary }, () => resolve()));
      }
    },
    end,
    refuse(answer) {
      start(answer.status, answer.headers);
      for (const { data, binary } of framer.push(answer.body)) caller.send(data, { binary });
      end();
    },
    // No frame can retract a started answer.
    cut: () => caller.close(1011, 'Error while forwarding the request'),
  };
}

function objectOf(headers: HeaderList, requestId: string): { readonly [name: string]: string } {
  const values = new Map<string, string>();
  for (const [name, value] of headers) values.set(name, values.has(name) ? `${values.get(name)}, ${value}` : value);
  return Object.fromEntries(values.set('x-fal-request-id', requestId));
}

function bytesOf(data: RawData): Uint8Array {
  if (Array.isArray(data)) return Buffer.concat(data);
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data;
}

import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Answer, errorAnswer, jsonAnswer } from '../../../exchange/answers.ts';
import type { RequestRecord } from '../../../queue/types.ts';
import type { LogLine } from '../../../telemetry/types.ts';
import { isTls } from '../../guard.ts';
import { type EdgeHandlers, writeRawAnswer } from '../../http-server.ts';
import { aliasOf } from '../../routes.ts';
import { authorise } from '../access.ts';
import { answering, greet, identify } from '../admission.ts';
import { notFound, send, stopping, unknownRequest } from '../answers.ts';
import { appId, readTargets, type Target, unknownName } from '../app-url.ts';
import type { GatewayDeps } from '../context.ts';
import { type FollowUp, followUpUrls, readFollowUp } from './follow-up.ts';
import { createPositions, type Positions } from './positions.ts';
import { statusBody, statusCode } from './status.ts';
import { streamStatus } from './status-stream.ts';
import { submit } from './submit.ts';

/**
 * The queue host: submit, and the follow-ups of a request: status, status stream, result, cancel.
 * docs/platform/gateway.md#submit to #result-and-cancel.
 */
export function createQueueHost(deps: GatewayDeps): EdgeHandlers {
  const { fleet, limits, report } = deps;
  const positions = createPositions({ follow: fleet.follow, restMs: limits.positionIntervalMs, report });
  return {
    request: answering(deps, (...call) => serve(positions, ...call)),
    upgrade: (_req, socket) => writeRawAnswer(socket, 400, 'The queue host has no websockets; use the run or ws host.'),
  };
}

async function serve(
  positions: Positions,
  deps: GatewayDeps,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  const greeting = greet(deps, req, deps.hosts().queue);
  const { envelope } = greeting;
  if (!greeting.ok) return send(res, envelope, greeting.answer);
  const origin = `${isTls(req) ? 'https' : 'http'}://${deps.followUpAuthority ?? req.headers.host}`;

  const targets = readTargets(req.url ?? '');
  const target = targets.find(({ owner, name }) => deps.routes.resolve(owner, name)) ?? targets[0];
  const followUp = target && readFollowUp(req.method ?? 'GET', target.path);
  if (target && followUp) {
    const { cors, requestId: fresh } = envelope;
    return await follow(deps, req, res, { target, followUp, origin, cors, fresh, positions });
  }

  const route = target && deps.routes.resolve(target.owner, target.name);
  if (!target || !route) return send(res, envelope, notFound(target ? appId(target) : unknownName(req.url ?? '')));
  const access = authorise(route, deps.authenticate(req.headers), deps.account);
  if (!access.ok) return send(res, envelope, jsonAnswer(access.status, { detail: access.detail }));
  if (!submits(req)) {
    return send(res, envelope, jsonAnswer(405, { detail: 'Method Not Allowed' }, [['allow', 'POST']]));
  }
  if (deps.isStopping()) return send(res, envelope, stopping);
  const answer = await submit(deps, req, { ...target, route }, access, { requestId: envelope.requestId, origin });
  if (answer === 'caller gone') return;
  send(res, envelope, answer);
}

interface Follow {
  readonly target: Target;
  readonly followUp: FollowUp;
  readonly origin: string;
  readonly cors: readonly (readonly [string, string])[];
  readonly fresh: string;
  readonly positions: Positions;
}

async function follow(deps: GatewayDeps, req: IncomingMessage, res: ServerResponse, about: Follow): Promise<void> {
  const { target, followUp, cors, positions } = about;
  const reply = (answer: Answer, requestId = about.fresh): void => send(res, { requestId, cors }, answer);
  const route = deps.routes.resolve(target.owner, target.name);
  // The JS client opens its own status stream with a token (`connectionMode: "client"`).
  const identity = followUp.what === 'stream' ? identify(deps, req, target) : deps.authenticate(req.headers);
  const access = authorise(route, identity, deps.account);
  if (!access.ok) return reply(jsonAnswer(access.status, { detail: access.detail }));
  const allowed = followUp.what === 'cancel' ? ['PUT', 'POST'] : ['GET', 'HEAD'];
  if (!allowed.includes(req.method ?? '')) {
    return reply(jsonAnswer(405, { detail: 'Method Not Allowed' }, [['allow', allowed.join(', ')]]));
  }
  const record = deps.queue.record(followUp.requestId);
  const alias = route?.alias ?? aliasOf(target.owner, target.name);
  // Another user's request is as unknown as one that never existed.
  if (!record || record.alias !== alias || !(access.isOwner || record.callerId === access.callerId)) {
    return reply(unknownRequest);
  }

  const urls = followUpUrls(about.origin, appId(target), record.id);
  const hidden = route?.privateLogs === true && !access.isOwner;
  const wanted = wantsLogs(target.query);
  // The app's answer may arrive before the lines that it printed earlier.
  if (wanted && record.phase === 'COMPLETED' && record.runnerId) await deps.fleet.flushLines(record.runnerId);
  const logs = wanted ? (hidden ? [] : linesOf(deps, record)) : null;
  switch (followUp.what) {
    case 'status': {
      const position = record.phase === 'IN_QUEUE' ? deps.fleet.queuePosition(record.id) : 0;
      return reply(jsonAnswer(statusCode(record), statusBody({ record, urls, position, logs })), record.id);
    }
    case 'stream': {
      const followLogs = (listener: (line: LogLine) => void): (() => void) =>
        logs === null || hidden
          ? () => undefined
          : deps.logs.follow({ requestId: record.id }, (line) => {
              // A status contains all lines so far; it would otherwise contain every state of a progress bar.
              if (!line.unfinished) listener(line);
            });
      const order = { record, urls, logs, followLogs, positions };
      return await streamStatus(deps, res, { requestId: record.id, cors }, order);
    }
    case 'result':
      return reply(resultOf(deps, record), record.id);
    case 'cancel': {
      const word = deps.requests.cancel(record.id);
      // A promise like the acceptance: a client that was informed of the cancellation must find it unchanged after a
      // crash.
      if (word === 'requested') await deps.queue.settled();
      return reply(cancelled[word], record.id);
    }
  }
}

/** docs/platform/gateway.md#cancel. Every client accepts any 2xx. */
const cancelled: { readonly [W in 'requested' | 'completed' | 'unknown']: Answer } = {
  requested: jsonAnswer(202, { status: 'CANCELLATION_REQUESTED' }),
  completed: jsonAnswer(400, { status: 'ALREADY_COMPLETED' }),
  unknown: unknownRequest,
};

/** docs/platform/gateway.md#result: the app's answer unchanged, or the platform's error. Repeatable. */
function resultOf(deps: GatewayDeps, record: RequestRecord): Answer {
  if (record.phase !== 'COMPLETED') return jsonAnswer(400, { detail: 'Request is still in progress' });
  const outcome = deps.queue.result(record.id);
  if (!outcome) return unknownRequest;
  if (outcome.kind === 'error') return errorAnswer(outcome.error);
  const { status, headers, body } = outcome.response;
  const servedFrom = record.runnerId === null ? [] : [['x-fal-served-from', record.runnerId] as const];
  return { status, headers: [...headers, ...servedFrom], body: viewOf(body) };
}

/** A view of the same bytes: a copy of a large answer would block everything else. */
function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** The maximum number of lines that a poll returns; the newest ones. */
const maxLines = 10_000;

function linesOf(deps: GatewayDeps, record: RequestRecord): readonly LogLine[] {
  return deps.logs.query({ requestId: record.id, limit: maxLines, order: 'newest' }).toReversed();
}

/** `true`/`false` from fal_client, `1`/`0` from the SDK and JS. */
function wantsLogs(query: string): boolean {
  return ['1', 'true'].includes(new URLSearchParams(query).get('logs')?.toLowerCase() ?? '');
}

/** POST, and any other method that has a body. */
function submits(req: IncomingMessage): boolean {
  if (req.method === 'POST' || req.method === 'PUT' || req.method === 'PATCH') return true;
  return req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0;
}

import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import { type Answer, jsonAnswer } from '../../../exchange/answers.ts';
import { isWorkflow } from '../../../workflows/requests.ts';
import type { Identity } from '../../auth/types.ts';
import { type EdgeHandlers, writeRawAnswer } from '../../http-server.ts';
import { authorise } from '../access.ts';
import { answering, greet } from '../admission.ts';
import { send, stopping } from '../answers.ts';
import { resolveTarget } from '../app-url.ts';
import type { GatewayDeps } from '../context.ts';
import { readBody } from '../read-body.ts';
import { iceServers, openSession, type WmaSession } from './wma-session.ts';

/**
 * The bridge of `fal.wma`, in the cloud `wma.fal.run`: a page calls it to open a WebRTC session with an app and to keep
 * it alive. fal's page on WMA documents `/session` and `/session/heartbeat`; `/ice` and the format of errors are known
 * only from programs that use `@fal-ai/client`.
 */
interface WmaBridge {
  /** The bridge under this authority: several of them share the same sessions. */
  at(authority: string): EdgeHandlers;
  /** Ends all sessions. */
  close(): void;
}

const maxOfferBytes = 256 * 1024;
const startSession = '/start-session';

/** It is followed by a path in our own URL and must stay one. */
const app_id = z.string().regex(/^[^?#\s]+$/);
const app = z.object({ app_id });
const offer = z.object({ app_id, sdp: z.string().min(1), type: z.literal('offer') });
const heartbeat = z.object({ session_id: z.string().min(1) });

export function createWmaBridge(deps: GatewayDeps): WmaBridge {
  const sessions = new Map<string, WmaSession>();
  /** A caller as seen by an endpoint. */
  interface Call {
    readonly identity: Identity;
    readonly body: unknown;
    readonly requestId: string;
    readonly gone: AbortSignal;
  }
  const endpoints: { readonly [path: string]: (call: Call) => Answer | Promise<Answer> } = {
    '/ice': ({ identity, body }) => {
      const found = findApp(deps, app.parse(body).app_id, identity);
      const { ice_servers, ice_status: status } = iceServers;
      return 'status' in found ? found : jsonAnswer(200, { ice_servers, status });
    },
    '/session': ({ identity, body, requestId, gone }) => {
      const { app_id, sdp } = offer.parse(body);
      const found = findApp(deps, app_id, identity);
      if ('status' in found) return found;
      if (deps.isStopping()) return stopping;
      return openSession(
        deps,
        { ...found, requestId, sdp, gone },
        { began: (session) => void sessions.set(session.id, session), ended: ({ id }) => void sessions.delete(id) },
      );
    },
    '/session/heartbeat': ({ identity, body }) => {
      const session = sessions.get(heartbeat.parse(body).session_id);
      const alive = session !== undefined && session.callerId === identity.userId;
      if (alive) session.beat();
      return jsonAnswer(200, { alive });
    },
  };

  async function serve(req: IncomingMessage, res: ServerResponse, authority: string): Promise<void> {
    const greeting = greet(deps, req, authority);
    const { envelope } = greeting;
    if (!greeting.ok) return send(res, envelope, greeting.answer);
    const gone = new AbortController();
    res.once('close', () => {
      if (!res.writableFinished) gone.abort();
    });
    const answer = await answerTo(req, envelope.requestId, gone.signal);
    if (answer !== 'caller gone') send(res, envelope, answer);
  }

  async function answerTo(req: IncomingMessage, requestId: string, gone: AbortSignal): Promise<Answer | 'caller gone'> {
    if (req.headers.authorization === undefined) return failed(401, 'missing Authorization header');
    const identity = deps.authenticate(req.headers);
    if (!identity) return failed(401, 'invalid key');
    const endpoint = endpoints[(req.url ?? '').split('?', 1)[0] ?? ''];
    if (!endpoint) return failed(404, 'Not found');
    if (req.method !== 'POST') return failed(405, 'Method not allowed');
    const bytes = await readBody(req, maxOfferBytes);
    if (bytes === 'caller gone') return bytes;
    if (bytes === 'too large') return failed(413, `The request body is larger than ${maxOfferBytes} bytes.`);
    try {
      return await endpoint({ identity, body: JSON.parse(bytes.toString()), requestId, gone });
    } catch (error) {
      if (error instanceof SyntaxError) return plain(400, 'The request body is not JSON.');
      if (error instanceof z.ZodError) return plain(422, describeIssue(error));
      throw error;
    }
  }

  return {
    at: (authority) => ({
      request: answering(deps, (_deps, req, res) => serve(req, res, authority)),
      upgrade: (_req, socket) => writeRawAnswer(socket, 404, 'This host has no websocket.'),
    }),
    close() {
      for (const session of sessions.values()) session.end();
    },
  };
}

function findApp(deps: GatewayDeps, appId: string, identity: Identity) {
  const target = resolveTarget(`/${appId}${startSession}`, deps.routes);
  if ('unknown' in target) return failed(404, `Application "${target.unknown}" not found`);
  if (isWorkflow(target.route.alias)) return failed(404, 'A workflow has no sessions.');
  const access = authorise(target.route, identity, deps.account);
  return access.ok ? { target, access } : failed(access.status, access.detail);
}

function failed(status: number, error: string): Answer {
  return jsonAnswer(status, { error });
}

function plain(status: number, text: string): Answer {
  return { status, headers: [['content-type', 'text/plain; charset=utf-8']], body: Buffer.from(text) };
}

/** Worded like the cloud's bridge if a field is missing. */
function describeIssue({ issues: [issue] }: z.ZodError): string {
  const field = issue?.path.join('.') || 'body';
  const isMissing = issue?.code === 'invalid_type' && issue.message.endsWith('undefined');
  return isMissing ? `missing field \`${field}\`` : `${field}: ${issue?.message ?? 'invalid'}`;
}

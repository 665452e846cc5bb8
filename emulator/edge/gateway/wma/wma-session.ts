import { randomUUID } from 'node:crypto';
import { type Answer, jsonAnswer } from '../../../exchange/answers.ts';
import { toApp } from '../../../exchange/headers.ts';
import { answerSink } from '../../../exchange/session-answer.ts';
import { directInfo } from '../../../fleet/requests/leases.ts';
import type { Access } from '../access.ts';
import { appId, type Resolved } from '../app-url.ts';
import type { GatewayDeps } from '../context.ts';
import { startBy } from '../request-info.ts';

/**
 * What an app gets for its own peer connection if no TURN server is configured: `stun_only_ice_servers()` and its
 * status in fal/wma/ice.py. Runners here contact no STUN server (runner/inside/webrtc.py); it is the only address
 * besides fal's relays that the SDK accepts.
 */
export const iceServers = { ice_servers: [{ urls: 'stun:stun.l.google.com:19302' }], ice_status: 'stun_only' } as const;

export interface WmaSession {
  readonly id: string;
  readonly callerId: string;
  /** The caller is still connected. */
  beat(): void;
  end(): void;
}

interface SessionOrder {
  readonly requestId: string;
  /** `/start-session` of the app. */
  readonly target: Resolved;
  readonly access: Access & { readonly ok: true };
  readonly sdp: string;
  /** Aborts if the caller left before it got its answer. */
  readonly gone: AbortSignal;
}

/**
 * Opens a session: one call of the app's `/start-session`, whose first event answers the offer. The call stays open as
 * long as the session lasts, and owns it. Resolves with the caller's answer. `began` is called with the session once it
 * has an answer; `ended` at its end.
 */
export function openSession(
  deps: GatewayDeps,
  { requestId, target, access, sdp, gone }: SessionOrder,
  on: { readonly began: (session: WmaSession) => void; readonly ended: (session: WmaSession) => void },
): Promise<Answer> {
  const id = randomUUID();
  const { callerId } = access;
  const over = new AbortController();
  const end = (): void => over.abort();
  gone.addEventListener('abort', end, { once: true });
  const submittedAt = deps.clock();
  const info = directInfo({
    id: requestId,
    alias: target.route.alias,
    channel: 'direct',
    method: 'POST',
    path: target.path,
    submittedAt,
    startBy: startBy({ startTimeoutSeconds: null }, target.route, access, submittedAt),
    hint: null,
  });
  const about = { requestId, app: appId(target), path: target.path, callerId };
  const headers = toApp(offerHeaders, about);
  const offer = { sdp, type: 'offer', session_id: id, ...iceServers };
  return new Promise((resolve) => {
    let silence: NodeJS.Timeout | undefined;
    const session: WmaSession = { id, callerId, end, beat: () => void silence?.refresh() };
    const sink = answerSink({
      answered({ sdp, type }) {
        silence = setTimeout(end, deps.limits.wmaSilenceMs);
        on.began(session);
        resolve(jsonAnswer(200, { session_id: id, sdp, type }));
      },
      refused: resolve,
      unreadable: end,
    });
    const body = { kind: 'bytes', bytes: Buffer.from(JSON.stringify(offer)) } as const;
    const call = { info, method: 'POST', path: target.path, query: '', headers, body };
    const ended = (): void => {
      clearTimeout(silence);
      gone.removeEventListener('abort', end);
      on.ended(session);
      // Counts only if there was no answer.
      resolve(noAnswer);
    };
    deps.calls.call(call, sink, over.signal).catch(deps.report).finally(ended);
  });
}

const offerHeaders = [
  ['content-type', 'application/json'],
  ['accept', 'text/event-stream'],
] as const;
const noAnswer = jsonAnswer(502, { error: "The app's /start-session sent no SDP answer as its first event." });

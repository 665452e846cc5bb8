import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Answer, errorAnswer, jsonAnswer } from '../../exchange/answers.ts';
import { asDiskTrouble } from '../../local/disk-trouble.ts';
import { platformError } from '../../wire/errors.ts';
import { spellingsOf } from '../../wire/hosts.ts';
import type { Identity } from '../auth/types.ts';
import { guard } from '../guard.ts';
import { type Access, authorise } from './access.ts';
import { type Envelope, notFound, send, stopping } from './answers.ts';
import { type Resolved, resolveTarget, type Target } from './app-url.ts';
import type { GatewayDeps } from './context.ts';

/** Admits requests and upgrades to all three hosts: checks Host and Origin, then the app, then the key. */

type Greeting =
  | { readonly ok: true; readonly envelope: Envelope }
  | { readonly ok: false; readonly envelope: Envelope; readonly answer: Answer };

/**
 * Checks the Host and Origin rules, and answers CORS preflights. `host`: the name of the host that received the
 * request.
 */
export function greet(deps: GatewayDeps, req: IncomingMessage, host: string): Greeting {
  const requestId = randomUUID();
  const verdict = guard(req, { hosts: spellingsOf(host), allowedOrigins: deps.allowedOrigins() });
  if (!verdict.ok) {
    const answer = jsonAnswer(verdict.status, { detail: verdict.text });
    return { ok: false, envelope: { requestId, cors: [] }, answer };
  }
  const envelope = { requestId, cors: verdict.headers };
  return verdict.preflight
    ? { ok: false, envelope, answer: { status: 204, headers: [], body: Buffer.alloc(0) } }
    : { ok: true, envelope };
}

/** Wraps a request handler: errors are reported, and the caller gets a sentence, never a stack. */
export function answering(
  deps: GatewayDeps,
  serve: (deps: GatewayDeps, req: IncomingMessage, res: ServerResponse) => Promise<void>,
): (req: IncomingMessage, res: ServerResponse) => void {
  return (req, res) => {
    serve(deps, req, res).catch((error: unknown) => {
      deps.report(error);
      if (res.headersSent) return res.destroy();
      const disk = asDiskTrouble(error);
      const detail = disk ? `${disk.message} ${disk.next}` : 'The gateway failed; see emulator.log in the data folder.';
      const answer = errorAnswer(platformError('internal_error', detail));
      return send(res, { requestId: randomUUID(), cors: [] }, answer);
    });
  };
}

export type Admission =
  | { readonly ok: true; readonly target: Resolved; readonly access: Access & { readonly ok: true } }
  | { readonly ok: false; readonly answer: Answer };

/**
 * Identifies the caller: by the key in the header, otherwise by a web page's `fal_jwt_token`, which was removed from
 * the query (docs/platform/gateway.md#callers).
 */
export function identify(
  deps: Pick<GatewayDeps, 'authenticate' | 'verifyToken'>,
  req: IncomingMessage,
  { owner, name, path, own }: Target,
): Pick<Identity, 'userId'> | undefined {
  const token = own.get('fal_jwt_token');
  return deps.authenticate(req.headers) ?? (token ? deps.verifyToken?.(token, { owner, name, path }) : undefined);
}

/** Finds the requested app, and checks whether this caller may use it. */
export function admit(deps: GatewayDeps, req: IncomingMessage): Admission {
  const target = resolveTarget(req.url ?? '', deps.routes);
  if ('unknown' in target) return { ok: false, answer: notFound(target.unknown) };
  const access = authorise(target.route, identify(deps, req, target), deps.account);
  if (!access.ok) return { ok: false, answer: jsonAnswer(access.status, { detail: access.detail }) };
  if (deps.isStopping()) return { ok: false, answer: stopping };
  return { ok: true, target, access };
}

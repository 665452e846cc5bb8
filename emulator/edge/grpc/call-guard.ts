import type { IncomingHttpHeaders } from 'node:http2';
import { status } from '@grpc/grpc-js';
import { grpcRights, mayUse, notAllowed } from '../auth/rights.ts';
import type { GrpcDeps } from './deps.ts';
import type { RpcStatus } from './rpc-error.ts';

const controllerPath = '/controller.IsolateController/';

type GuardDeps = Pick<GrpcDeps, 'authenticate' | 'authorities'>;

/**
 * Checks an RPC by its headers alone, before any byte of its message is read and before grpc-js sees it: our own
 * `:authority` (DNS rebinding), then the key, then its rights (rights.ts). `undefined`: the call is permitted. Pure
 * except for the key lookup in the catalog.
 *
 * @param raw the header list as received: Node joins or drops repeated headers
 */
export function checkCall(
  deps: GuardDeps,
  headers: IncomingHttpHeaders,
  raw: readonly string[],
): RpcStatus | undefined {
  const authority = headers[':authority'] ?? headers.host ?? '';
  if (!deps.authorities.includes(authority)) {
    const known = deps.authorities.join(', ');
    return { code: status.PERMISSION_DENIED, details: `This server answers to ${known} only; check FAL_HOST.` };
  }
  const identity = deps.authenticate({ authorization: authorizationOf(raw) });
  if (identity === undefined) {
    const details = 'No valid key was sent. Set FAL_KEY to a key of this server: `minifal env` prints it.';
    return { code: status.UNAUTHENTICATED, details };
  }
  const method = (headers[':path'] ?? '').slice(controllerPath.length);
  if (mayUse(identity, grpcRights[method])) return undefined;
  return { code: status.PERMISSION_DENIED, details: notAllowed(identity) };
}

/** Keys arrive as two entries, logins as `authorization: Bearer …` (docs/platform/control-plane.md#credentials). */
function authorizationOf(raw: readonly string[]): string {
  const keyId = one(raw, 'auth-key-id');
  const secret = one(raw, 'auth-key');
  return keyId === '' && secret === '' ? one(raw, 'authorization') : `Key ${keyId}:${secret}`;
}

/** A repeated entry counts as none: there must be no doubt about which value was checked. */
function one(raw: readonly string[], name: string): string {
  let found: string | undefined;
  for (let i = 0; i + 1 < raw.length; i += 2) {
    if (raw[i] !== name) continue;
    if (found !== undefined) return '';
    found = raw[i + 1];
  }
  return found ?? '';
}

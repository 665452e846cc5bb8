import type { IncomingHttpHeaders } from 'node:http';
import type { Catalog } from '../../catalog/types.ts';
import type { RunnerKeyCheck } from './runner-keys.ts';
import type { Authenticate, Identity } from './types.ts';

/** `Key id:secret` as every client sends it; `Bearer id:secret` for tools that support no other scheme. */
const credentials = /^(?:key|bearer) +([^\s:]+):(\S+)$/i;

/**
 * Checks `Authorization` against the catalog and the runners' keys, which compare in constant time. Never throws and
 * never reveals a credential: a header that can't be parsed yields no identity. docs/platform/gateway.md#callers.
 * differs: tokens of `fal auth login` are unknown here.
 */
export function createAuthenticate(
  catalog: Pick<Catalog, 'account' | 'verifyKey'>,
  runnerKeys: Pick<RunnerKeyCheck, 'verify'>,
): Authenticate {
  return (headers: IncomingHttpHeaders): Identity | undefined => {
    const [, keyId, secret] = credentials.exec(headers.authorization ?? '') ?? [];
    if (keyId === undefined || secret === undefined) return undefined;
    const { userId } = catalog.account;
    const runnerId = runnerKeys.verify(keyId, secret);
    if (runnerId !== undefined) return { userId, keyId, scope: 'RUNNER', runnerId };
    const key = catalog.verifyKey(keyId, secret);
    return key && { userId, keyId: key.keyId, scope: key.scope };
  };
}

import type { IncomingHttpHeaders } from 'node:http';
import type { Signer } from '../../auth/signed.ts';
import type { Authenticate } from '../../auth/types.ts';

/** The identification that storage hosts accept: a key, or a token of `/storage/auth/token`. */
export interface StorageUser {
  readonly authenticate: Authenticate;
  readonly uploadTokens: Signer;
}

/**
 * A token for the storage hosts, for the user whose key was sent. A runner's token expires with the runner at the
 * latest.
 *
 * @param expiresAt milliseconds since the epoch
 */
export function uploadToken(
  headers: IncomingHttpHeaders,
  { authenticate, uploadTokens }: StorageUser,
  about: { readonly userId: string; readonly expiresAt: number },
): string {
  return uploadTokens.sign({ ...about, scope: [], runnerId: authenticate(headers)?.runnerId ?? null });
}

/**
 * The id of the user who sent `Authorization: Bearer <token>` or a key (docs/platform/rest.md#storage); `undefined`:
 * neither is valid.
 */
export function userOf(headers: IncomingHttpHeaders, user: StorageUser): string | undefined {
  const identity = user.authenticate(headers);
  if (identity) return identity.userId;
  const token = /^bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  return token === undefined ? undefined : user.uploadTokens.open(token)?.userId;
}

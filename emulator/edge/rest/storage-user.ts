import type { IncomingHttpHeaders } from 'node:http';
import type { Signer } from '../signed.ts';
import type { Authenticate } from '../types.ts';

/** What shows who speaks to the storage hosts: a key, or a token of `/storage/auth/token`. */
export interface StorageUser {
  readonly authenticate: Authenticate;
  readonly uploadTokens: Signer;
}

/**
 * The user id of the one who sent `Authorization: Bearer <token>` or a key (rest-api.md §6); `undefined`: neither is
 * valid.
 */
export function userOf(headers: IncomingHttpHeaders, { authenticate, uploadTokens }: StorageUser): string | undefined {
  const token = /^bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  return authenticate(headers)?.userId ?? (token === undefined ? undefined : uploadTokens.open(token)?.userId);
}

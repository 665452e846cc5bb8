import type { IncomingHttpHeaders } from 'node:http';

/** The identity of a caller. There is one local account today; `userId` is its `user_id`. */
export interface Identity {
  readonly userId: string;
  readonly keyId: string;
  /** See rights.ts. RUNNER: the key of a runner, which is valid as long as the runner lives. */
  readonly scope: 'ADMIN' | 'API' | 'RUNNER';
  /** Set for a runner's key. */
  readonly runnerId?: string;
}

/** Checks the key in `Authorization: Key id:secret` or `Bearer …`; `undefined`: no credentials, or invalid ones. */
export type Authenticate = (headers: IncomingHttpHeaders) => Identity | undefined;

/**
 * Checks a browser's token for one endpoint; `undefined`: not issued here, expired, or for something else.
 * docs/platform/gateway.md#callers.
 */
export type VerifyToken = (
  token: string,
  target: { readonly owner: string; readonly name: string; readonly path: string },
) => { readonly userId: string } | undefined;

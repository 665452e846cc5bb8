import type { IncomingHttpHeaders } from 'node:http';

/** Who calls. One local account today; `userId` is its `user_id`. */
export interface Identity {
  readonly userId: string;
  readonly keyId: string;
  /** See rights.ts. RUNNER: the key of a runner, which is good as long as it lives. */
  readonly scope: 'ADMIN' | 'API' | 'RUNNER';
  /** Of a runner's key. */
  readonly runnerId?: string;
}

/** Key check on `Authorization: Key id:secret` or `Bearer …`; `undefined`: no or bad credentials. */
export type Authenticate = (headers: IncomingHttpHeaders) => Identity | undefined;

/**
 * Checks a browser's token for one endpoint; `undefined`: not ours, expired, or for something else.
 * docs/platform/gateway.md#callers.
 */
export type VerifyToken = (
  token: string,
  target: { readonly owner: string; readonly name: string; readonly path: string },
) => { readonly userId: string } | undefined;

import type { Account } from '../../catalog/types.ts';
import type { Identity } from '../auth/types.ts';
import type { Route } from '../routes.ts';

/** Replaces the account id in records of callers without a key (public apps). */
export const anonymous = 'anonymous';

export type Access =
  | { readonly ok: true; readonly callerId: string; readonly isOwner: boolean }
  | { readonly ok: false; readonly status: 401 | 403; readonly detail: string };

/**
 * Whether this caller may use this app. private: the owner; shared: any account; public: everyone, whatever key they
 * send. docs/platform/gateway.md#callers. Without a route (a follow-up for an app that was deleted), only the owner
 * may.
 */
export function authorise(
  route: Route | undefined,
  identity: Pick<Identity, 'userId'> | undefined,
  account: Account,
): Access {
  const isOwner = identity?.userId === account.userId;
  const mode = route?.authMode ?? 'private';
  if (mode === 'public') return { ok: true, callerId: identity?.userId ?? anonymous, isOwner };
  if (!identity) {
    return { ok: false, status: 401, detail: 'Authentication is required to access this application.' };
  }
  if (mode === 'private' && !isOwner) {
    return { ok: false, status: 403, detail: 'This key may not access this application.' };
  }
  return { ok: true, callerId: identity.userId, isOwner };
}

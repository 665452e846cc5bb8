import { createSigner } from './signed.ts';

/** What a caller wants to reach. `path`: below the app, with or without its leading slash. */
export interface TokenTarget {
  readonly owner: string;
  readonly name: string;
  readonly path: string;
}

export interface Tokens {
  /**
   * A token for browsers, sent as `fal_jwt_token`.
   * @param allowedApps aliases (`app`), apps (`owner/app`) or single endpoints (`owner/app/path`): it opens nothing
   *   else
   */
  issue(allowedApps: readonly string[], seconds: number, userId: string): string;
  /** Who issued it; `undefined`: not ours, expired, or not for this app. */
  verify(token: string, app: TokenTarget): { userId: string } | undefined;
}

/**
 * Temporary tokens for web pages (rest-api.md §8, gateway-http.md §2), signed with a key of the data folder: they
 * survive a restart. differs: the cloud's are signed with a key pair; nobody but the issuer reads them.
 *
 * @param clock milliseconds since the epoch
 */
export function createTokens({ secret, clock }: { readonly secret: Buffer; readonly clock: () => number }): Tokens {
  const signer = createSigner(secret, 'apps', clock);
  return {
    issue: (allowedApps, seconds, userId) =>
      signer.sign({ userId, expiresAt: clock() + seconds * 1000, scope: allowedApps }),
    verify(token, app) {
      const claims = signer.open(token);
      return claims?.scope.some((entry) => covers(entry, app)) ? { userId: claims.userId } : undefined;
    },
  };
}

function covers(entry: string, { owner, name, path }: TokenTarget): boolean {
  const [first = '', second, ...rest] = entry.split('/');
  if (second === undefined) return first === name;
  if (first !== owner || second !== name) return false;
  return rest.length === 0 || rest.join('/') === path.replace(/^\/+/, '');
}

import { createSigner, type Signing } from './signed.ts';
import type { Identity } from './types.ts';

/** What a caller wants to access. `path`: below the app, with or without its leading slash. */
interface TokenTarget {
  readonly owner: string;
  readonly name: string;
  readonly path: string;
}

type TokenIssuer = Pick<Identity, 'userId' | 'runnerId'>;

export interface Tokens {
  /**
   * A token for browsers, sent as `fal_jwt_token`.
   * @param allowedApps aliases (`app`), apps (`owner/app`), or single endpoints (`owner/app/path`): it gives access to
   *   nothing else
   * @param by `runnerId`: the runner whose key requests the token, which expires with the runner
   */
  issue(allowedApps: readonly string[], seconds: number, by: TokenIssuer): string;
  /**
   * The user who issued it; `undefined`: not issued here, expired, from a runner that has ended, or not for this app.
   */
  verify(token: string, app: TokenTarget): { userId: string } | undefined;
}

/**
 * Temporary tokens for web pages (docs/platform/rest.md#tokens, docs/platform/gateway.md#callers), signed with a key of
 * the data folder: they survive a restart, unless a runner requested them. differs: the cloud's tokens are signed with
 * a key pair; nobody but the issuer reads them.
 */
export function createTokens(signing: Signing): Tokens {
  const signer = createSigner(signing, 'apps');
  return {
    issue: (allowedApps, seconds, { userId, runnerId = null }) =>
      signer.sign({ userId, expiresAt: signing.clock() + seconds * 1000, scope: allowedApps, runnerId }),
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

import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';

/** The content of a token: the user, the expiry (milliseconds since the epoch), and fields of its kind. */
interface Claims {
  readonly userId: string;
  readonly expiresAt: number;
  /** What the token gives access to; empty if its kind alone determines that. */
  readonly scope: readonly string[];
  /** The runner whose key requested the token, which expires with the runner; `null`: another key requested it. */
  readonly runnerId: string | null;
}

export interface Signer {
  sign(claims: Claims): string;
  /** `undefined`: not signed by this signer, changed, expired, or its runner has ended. */
  open(token: string): Claims | undefined;
}

const header = Buffer.from('{"alg":"HS256","typ":"JWT"}').toString('base64url');
const payload = z.object({
  sub: z.string(),
  exp: z.number(),
  scope: z.array(z.string()),
  runner: z.string().nullable(),
});
/** Longer tokens were not issued here. */
const maxToken = 32 * 1024;

/** What the signers of a data folder share. */
export interface Signing {
  /** The data folder's own key. */
  readonly secret: Buffer;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** Whether a runner's key is still valid. */
  readonly lives: (runnerId: string) => boolean;
}

/**
 * Self-contained tokens: HS256 JSON Web Tokens, each of one `kind`, so that a token for uploads never gives access to
 * an app. Nothing is stored. Tokens stay valid across a restart, except for those of runners; another data folder
 * doesn't accept them.
 *
 * @param kind a constant of the code
 */
export function createSigner({ secret, clock, lives }: Signing, kind: string): Signer {
  const key = createHmac('sha256', secret).update(`minifal token: ${kind}`).digest();
  const mac = (signed: string): Buffer => createHmac('sha256', key).update(signed).digest();
  return {
    sign({ userId, expiresAt, scope, runnerId }) {
      const claims = JSON.stringify({ sub: userId, exp: expiresAt / 1000, scope, runner: runnerId });
      const signed = `${header}.${Buffer.from(claims).toString('base64url')}`;
      return `${signed}.${mac(signed).toString('base64url')}`;
    },
    open(token) {
      if (token.length > maxToken) return undefined;
      const end = token.lastIndexOf('.');
      const signed = token.slice(0, end);
      // The header must match ours byte for byte: no other algorithm is ever considered.
      if (end < 0 || !signed.startsWith(`${header}.`)) return undefined;
      const given = Buffer.from(token.slice(end + 1), 'base64url');
      const wanted = mac(signed);
      if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return undefined;
      const claims = payload.safeParse(
        JSON.parse(Buffer.from(signed.slice(header.length + 1), 'base64url').toString('utf8')),
      );
      if (!claims.success) return undefined;
      const { sub: userId, scope, runner: runnerId } = claims.data;
      const expiresAt = claims.data.exp * 1000;
      if (expiresAt <= clock() || (runnerId !== null && !lives(runnerId))) return undefined;
      return { userId, expiresAt, scope, runnerId };
    },
  };
}

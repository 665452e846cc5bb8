import { createHash, randomBytes } from 'node:crypto';
import type { Authenticate, Identity } from './types.ts';

/** From `minifal open` until the page has been loaded. */
const codeMs = 60_000;
const maxCodes = 16;
/** Of more open pages, those that were signed in first have to be opened again. */
const maxTokens = 64;
const keyId = 'page';
const credentials = new RegExp(`^Key +${keyId}:([\\w-]{43})$`);

export interface PageSessions {
  /** A code that a page can exchange for a token once, within a minute. */
  issueCode(): string;
  /**
   * A token that is valid until the emulator ends, as clients send it in `Authorization: Key TOKEN`; `undefined`: the
   * code is unknown, too old, or was used before. In the last case, somebody else has read it: their token ends, too.
   */
  exchange(code: string): string | undefined;
  /** Accepts the tokens of pages, too: only the owner can issue a code. */
  orPage(authenticate: Authenticate, userId: string): Authenticate;
}

/**
 * Pages in a browser have no key: the owner's command line asks for a code, which is in the fragment of the address
 * that it opens, and the page exchanges it. Only hashes are kept, in memory, and never more than a few.
 */
export function createPageSessions(clock: () => number): PageSessions {
  const codes = new Map<string, { readonly issuedAt: number; token: string | undefined }>();
  const tokens = new Set<string>();

  function dropOld(): void {
    const now = clock();
    for (const [hash, { issuedAt }] of codes) if (now - issuedAt >= codeMs || now < issuedAt) codes.delete(hash);
  }

  return {
    issueCode() {
      dropOld();
      const code = randomBytes(32).toString('base64url');
      codes.set(hashOf(code), { issuedAt: clock(), token: undefined });
      dropFirst(codes, maxCodes);
      return code;
    },
    exchange(code) {
      dropOld();
      const found = codes.get(hashOf(code));
      if (!found) return undefined;
      if (found.token !== undefined) {
        tokens.delete(found.token);
        return undefined;
      }
      const secret = randomBytes(32).toString('base64url');
      found.token = hashOf(secret);
      tokens.add(found.token);
      dropFirst(tokens, maxTokens);
      return `${keyId}:${secret}`;
    },
    orPage: (authenticate, userId) => (headers) => {
      const secret = credentials.exec(headers.authorization ?? '')?.[1];
      if (secret === undefined) return authenticate(headers);
      return tokens.has(hashOf(secret)) ? { userId, keyId, scope: 'ADMIN' } : undefined;
    },
  };
}

/** Whether a page asks. It gets no codes: tokens that were made with one that ends would stay. */
export function isPage(identity: Pick<Identity, 'keyId'>): boolean {
  return identity.keyId === keyId;
}

/** The secrets have 256 random bits: looking up their hashes reveals nothing by its time. */
function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url');
}

function dropFirst(all: Map<string, unknown> | Set<string>, max: number): void {
  for (const first of all.keys()) {
    if (all.size <= max) return;
    all.delete(first);
  }
}

import { hash, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import type { StoredKey } from './documents.ts';
import type { Records } from './records.ts';
import type { Catalog, KeyInfo } from './types.ts';

/**
 * User keys. Secrets are 256 random bits, so a plain SHA-256 is enough: there is nothing to guess that a slow hash
 * would protect, and a key is checked on every call.
 */
export function createKeys(
  records: Records<StoredKey>,
  clock: () => number,
): Pick<Catalog, 'verifyKey' | 'createKey' | 'listKeys' | 'revokeKey'> {
  const keys = new Map(records.load().map(({ id, value }) => [id, held(value)]));
  return {
    verifyKey(keyId, secret) {
      const key = keys.get(keyId);
      // Key ids aren't secret, so the map lookup may be visible in the timing; the comparison of the secret's bytes
      // must not be.
      if (!key || !timingSafeEqual(sha256(secret), key.hash)) return undefined;
      return info(key);
    },
    createKey(scope, alias) {
      const keyId = randomUUID();
      const keySecret = randomBytes(32).toString('hex');
      const key: StoredKey = { keyId, scope, alias, createdAt: clock(), secretHash: sha256(keySecret).toString('hex') };
      records.put(keyId, key);
      keys.set(keyId, held(key));
      return { keyId, keySecret };
    },
    listKeys: () => [...keys.values()].map(info),
    revokeKey(keyId) {
      if (!keys.has(keyId)) return false;
      records.remove(keyId);
      return keys.delete(keyId);
    },
  };
}

/** Includes the bytes that each call is compared with. */
function held(key: StoredKey) {
  return { ...key, hash: Buffer.from(key.secretHash, 'hex') };
}

function info({ keyId, scope, alias, createdAt }: StoredKey): KeyInfo {
  return { keyId, scope, alias, createdAt };
}

function sha256(secret: string): Buffer {
  return hash('sha256', secret, 'buffer');
}

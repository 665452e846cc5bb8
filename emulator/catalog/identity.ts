import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Catalog } from './types.ts';

/**
 * The local account's key `id:secret`, from `<folder>/key` (0600); creates a new one if there is none or it was
 * revoked.
 */
export function localKey(folder: string, catalog: Catalog): string {
  const file = join(folder, 'key');
  if (existsSync(file)) {
    const key = readFileSync(file, 'utf8').trim();
    const [keyId = '', secret = ''] = key.split(':');
    if (catalog.verifyKey(keyId, secret)) return key;
  }
  const { keyId, keySecret } = catalog.createKey('ADMIN', 'this machine');
  const key = `${keyId}:${keySecret}`;
  writePrivate(file, `${key}\n`);
  return key;
}

/**
 * The key that signs tokens, from `<folder>/token.key` (0600), created once. It is separate from the key of the
 * secrets, because tokens must also be signed and verified while secrets are sealed.
 */
export function tokenKey(folder: string): Buffer {
  const file = join(folder, 'token.key');
  const found = existsSync(file) ? Buffer.from(readFileSync(file, 'utf8').trim(), 'hex') : Buffer.alloc(0);
  if (found.length === 32) return found;
  // There is no file, or a truncated one, with which anybody could sign.
  const key = randomBytes(32);
  writePrivate(file, key.toString('hex'));
  return key;
}

function writePrivate(file: string, text: string): void {
  writeFileSync(`${file}.new`, text, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

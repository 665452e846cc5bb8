import { createHash } from 'node:crypto';
import { readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';

/**
 * What the owner of a keychain passes to `minifal start --keychain`, as one JSON value on standard input: never in
 * arguments, environment variables, files or logs.
 */
export const keychainOrder = z.object({
  /** 32 bytes in hex. */
  wrappingKey: z.string().regex(/^[0-9a-f]{64}$/),
  /**
   * `open`: opens a sealed key for this run. `seal`: also seals an open key. `unseal`: leaves the key open permanently.
   */
  want: z.enum(['open', 'seal', 'unseal']),
});
export type KeychainOrder = z.infer<typeof keychainOrder>;

/** A key that is sealed in its file; an open key is stored there as 64 hex digits. */
export interface SealedKey {
  /** The wrapping key that opens it; `null`: written before the file recorded that. */
  readonly keyId: string | null;
  readonly bytes: string;
}

/** Identifies a wrapping key without revealing anything about it. */
export function keyIdOf(wrappingKey: string): string {
  return createHash('sha256').update(`minifal wrapping key\0${wrappingKey}`).digest('hex').slice(0, 16);
}

/** The text of a file that holds a sealed key. */
export function sealedText(keyId: string, bytes: string): string {
  return `sealed-2 ${keyId} ${bytes}\n`;
}

/** `undefined`: the text is not a sealed key. */
export function readSealed(text: string): SealedKey | undefined {
  if (text.startsWith('sealed-1 ')) return { keyId: null, bytes: text.slice(9).trim() };
  const [, keyId, bytes] = /^sealed-2 ([0-9a-f]{16}) (.*)/.exec(text) ?? [];
  return keyId === undefined ? undefined : { keyId, bytes: (bytes ?? '').trim() };
}

/** The file that holds the key of the secrets. */
export function secretKeyFile(folder: string): string {
  return join(folder, 'secret.key');
}

/** The key of the secrets if it is available only from a keychain; otherwise `undefined`. */
export function sealedKeyOf(folder: string): SealedKey | undefined {
  try {
    return readSealed(readFileSync(secretKeyFile(folder), 'latin1'));
  } catch {
    return undefined;
  }
}

/**
 * Moves a key that can't be opened out of the way, so that the next start creates a new one. Nothing is deleted: when
 * the file is moved back, it opens the secrets that were not set again.
 * @returns the file's new name
 */
export function moveKeyAside(folder: string, now: Date): string {
  const aside = `${secretKeyFile(folder)}.${now.toISOString().replaceAll(/[:.]/g, '-')}`;
  renameSync(secretKeyFile(folder), aside);
  return aside;
}

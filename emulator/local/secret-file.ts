import { createHash } from 'node:crypto';
import { readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';

/**
 * What the owner of a keychain hands to `minifal start --keychain`, as one JSON value on standard input: never in
 * arguments, environment, files or logs.
 */
export const keychainOrder = z.object({
  /** 32 bytes in hex. */
  wrappingKey: z.string().regex(/^[0-9a-f]{64}$/),
  /**
   * `open`: what is sealed is opened for this run. `seal`: and what is open is sealed. `unseal`: what is sealed is
   * open from now on.
   */
  want: z.enum(['open', 'seal', 'unseal']),
});
export type KeychainOrder = z.infer<typeof keychainOrder>;

/** A key that is sealed in its file; one that is open is 64 hex digits there. */
export interface SealedKey {
  /** Which wrapping key opens it; `null`: written before the file said so. */
  readonly keyId: string | null;
  readonly bytes: string;
}

/** Says which wrapping key it is, and nothing of the key. */
export function keyIdOf(wrappingKey: string): string {
  return createHash('sha256').update(`minifal wrapping key\0${wrappingKey}`).digest('hex').slice(0, 16);
}

/** The text of a file that holds a sealed key. */
export function sealedText(keyId: string, bytes: string): string {
  return `sealed-2 ${keyId} ${bytes}\n`;
}

/** `undefined`: the text says nothing of being sealed. */
export function readSealed(text: string): SealedKey | undefined {
  if (text.startsWith('sealed-1 ')) return { keyId: null, bytes: text.slice(9).trim() };
  const [, keyId, bytes] = /^sealed-2 ([0-9a-f]{16}) (.*)/.exec(text) ?? [];
  return keyId === undefined ? undefined : { keyId, bytes: (bytes ?? '').trim() };
}

/** The file with the key of the secrets. */
export function secretKeyFile(folder: string): string {
  return join(folder, 'secret.key');
}

/** The key of the secrets where it can be had from a keychain only; else `undefined`. */
export function sealedKeyOf(folder: string): SealedKey | undefined {
  try {
    return readSealed(readFileSync(secretKeyFile(folder), 'latin1'));
  } catch {
    return undefined;
  }
}

/**
 * Moves a key that can't be opened out of the way, so that the next start makes a new one. Nothing is deleted: moved
 * back, it opens the secrets that were not set again.
 * @returns the file's new name
 */
export function setKeyAside(folder: string, now: Date): string {
  const aside = `${secretKeyFile(folder)}.${now.toISOString().replaceAll(/[:.]/g, '-')}`;
  renameSync(secretKeyFile(folder), aside);
  return aside;
}

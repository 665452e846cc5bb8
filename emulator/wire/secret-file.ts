import { readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';

/**
 * What the owner of a keychain hands to `minifal start --keychain`, as one JSON value on standard input: never in arguments,
 * environment, files or logs.
 */
export const keychainOrder = z.object({
  /** 32 bytes in hex. */
  wrappingKey: z.string().regex(/^[0-9a-f]{64}$/),
  /** `open`: what is sealed is opened for this run. `seal`: and what lies open is sealed. `unseal`: what is sealed lies open from now on. */
  want: z.enum(['open', 'seal', 'unseal']),
});
export type KeychainOrder = z.infer<typeof keychainOrder>;

/** Before the bytes of a sealed key; a key that lies open is 64 hex digits. */
export const sealedMark = 'sealed-1 ';

/** The file with the key of the secrets. */
export function secretKeyFile(folder: string): string {
  return join(folder, 'secret.key');
}

/** Whether the key of the secrets can be had from a keychain only. */
export function isSealed(folder: string): boolean {
  try {
    return readFileSync(secretKeyFile(folder), 'latin1').startsWith(sealedMark);
  } catch {
    return false;
  }
}

/**
 * Moves a key that can't be opened out of the way, so that the next start makes a new one. Nothing is deleted: moved back, it opens the
 * secrets that were not set anew.
 * @returns the file's new name
 */
export function setKeyAside(folder: string, now: Date): string {
  const aside = `${secretKeyFile(folder)}.${now.toISOString().replaceAll(/[:.]/g, '-')}`;
  renameSync(secretKeyFile(folder), aside);
  return aside;
}

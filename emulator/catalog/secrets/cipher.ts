import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/**
 * AES-256-GCM with the key file of the data folder. `place` binds a value to its name, so that stored values can't be
 * swapped.
 */
export interface Cipher {
  seal(value: string, place: string): string;
  /** `undefined`: another key, another place, or damaged. */
  open(sealed: string, place: string): string | undefined;
}

const ivBytes = 12;
const tagBytes = 16;

/** @param key 32 random bytes */
export function createCipher(key: Buffer): Cipher {
  if (key.length !== 32) throw new RangeError('the key of the secrets must have 32 bytes');
  return {
    seal(value, place) {
      const iv = randomBytes(ivBytes);
      const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(place));
      const text = Buffer.concat([cipher.update(value, 'utf8'), cipher.final()]);
      return Buffer.concat([iv, cipher.getAuthTag(), text]).toString('base64');
    },
    open(sealed, place) {
      const bytes = Buffer.from(sealed, 'base64');
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, ivBytes), { authTagLength: tagBytes })
          .setAAD(Buffer.from(place))
          .setAuthTag(bytes.subarray(ivBytes, ivBytes + tagBytes));
        return decipher.update(bytes.subarray(ivBytes + tagBytes), undefined, 'utf8') + decipher.final('utf8');
      } catch {
        return undefined;
      }
    },
  };
}

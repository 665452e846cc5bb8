import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { sha256Of } from './large.ts';

/** Signs webhooks, and publishes the key with which receivers verify them (docs/platform/gateway.md#webhooks). */
export interface Signing {
  /** The four `X-Fal-Webhook-…` headers. `at`: milliseconds since the epoch. */
  headers(
    about: { readonly requestId: string; readonly userId: string; readonly at: number },
    body: Uint8Array,
  ): Promise<WebhookHeaders>;
  /** For `/.well-known/jwks.json`. */
  readonly jwks: { readonly keys: readonly { readonly [name: string]: string }[] };
}

type WebhookHeaders = { readonly [name: string]: string };

/**
 * @param file Ed25519 private key (PEM, 0600); created if missing. It is kept so that receivers can cache the public
 *   key across restarts.
 */
export function createSigning(file: string): Signing {
  if (!existsSync(file)) {
    const { privateKey } = generateKeyPairSync('ed25519');
    writeFileSync(`${file}.new`, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }
  const key = createPrivateKey(readFileSync(file));
  const { x = '' } = createPublicKey(key).export({ format: 'jwk' });
  const kid = createHash('sha256').update(x).digest('base64url').slice(0, 16);
  return {
    async headers({ requestId, userId, at }, body) {
      const timestamp = String(Math.floor(at / 1000));
      const hash = await sha256Of(body);
      const signature = sign(null, Buffer.from([requestId, userId, timestamp, hash].join('\n')), key).toString('hex');
      return {
        'X-Fal-Webhook-Request-Id': requestId,
        'X-Fal-Webhook-User-Id': userId,
        'X-Fal-Webhook-Timestamp': timestamp,
        'X-Fal-Webhook-Signature': signature,
      };
    },
    // Unpadded, 43 characters: published verification snippets rely on it.
    jwks: { keys: [{ kty: 'OKP', crv: 'Ed25519', use: 'sig', alg: 'EdDSA', kid, x }] },
  };
}

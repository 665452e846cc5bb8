import { existsSync } from 'node:fs';

/** Where systems keep the certificates that they trust, in a single file. */
export const systemBundles: readonly string[] = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/** The first of them that exists. */
export function systemBundle(): string | undefined {
  return systemBundles.find((file) => existsSync(file));
}

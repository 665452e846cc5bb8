import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { rootCertificates } from 'node:tls';

/** Where Linux distributions keep the bundle of their own trust store. */
const systemBundles = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/**
 * Writes the CA bundle for the clients' environment: public roots, the machine's own extra roots (a company proxy's, say)
 * and ours. A variable such as SSL_CERT_FILE *replaces* a client's roots, so a bundle of ours alone would cut it off from
 * package indexes and model hubs. Certificates only, no duplicates, written atomically.
 */
export function writeBundle(file: string, ownCaPem: string, env: NodeJS.ProcessEnv = process.env): void {
  const target = resolve(file);
  const named = [env.SSL_CERT_FILE, env.REQUESTS_CA_BUNDLE, env.CURL_CA_BUNDLE, env.NODE_EXTRA_CA_CERTS];
  const sources = [...named, ...systemBundles]
    .filter((path): path is string => path !== undefined && path !== '')
    .map((path) => resolve(path))
    // A terminal of ours already points to an older bundle: reading it back would keep dead CAs of ours for ever.
    .filter((path) => path !== target && existsSync(path));
  const all = new Map<string, string>();
  for (const pem of [...rootCertificates, ...sources.flatMap(certificatesIn), ownCaPem]) {
    all.set(pem.replace(/\s/g, ''), `${pem.trim()}\n`);
  }
  const temporary = `${target}.${process.pid}.tmp`;
  writeFileSync(temporary, [...all.values()].join(''), { mode: 0o644 });
  renameSync(temporary, target);
}

function certificatesIn(file: string): readonly string[] {
  try {
    return (
      readFileSync(file, 'latin1').match(/-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g) ?? []
    );
  } catch {
    return []; // an unreadable extra bundle is the machine's business, not a reason not to start
  }
}

import { chmodSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { getCACertificates, rootCertificates } from 'node:tls';
import { systemBundles } from '../../local/network/system-certificates.ts';

/**
 * Writes the CA bundle for the clients' environment: public roots, the machine's own extra roots (a company proxy's,
 * say) and ours. A variable such as SSL_CERT_FILE *replaces* a client's roots, so a bundle of ours alone would cut it
 * off from package indexes and model hubs. Certificates only, no duplicates, written atomically.
 */
export function writeBundle(
  file: string,
  ownCaPem: string,
  env: NodeJS.ProcessEnv = process.env,
  more: readonly (string | undefined)[] = [],
): void {
  const target = resolve(file);
  const named = [env.SSL_CERT_FILE, env.REQUESTS_CA_BUNDLE, env.CURL_CA_BUNDLE, env.NODE_EXTRA_CA_CERTS];
  const sources = [...more, ...named, ...systemBundles]
    .filter((path): path is string => path !== undefined && path !== '')
    .map((path) => resolve(path))
    // A terminal of ours may already point to an older bundle: reading it back would keep our outdated CAs forever.
    .filter((path) => path !== target && existsSync(path));
  // A keychain is not a file. Node 22.15 or newer reads it; on Linux, the bundles above have the same content and are
  // faster to read.
  const keychain = process.platform === 'darwin' ? (getCACertificates?.('system') ?? []) : [];
  const all = new Map<string, string>();
  for (const pem of [...rootCertificates, ...keychain, ...sources.flatMap(certificatesIn), ownCaPem]) {
    all.set(pem.replace(/\s/g, ''), `${pem.trim()}\n`);
  }
  const temporary = `${target}.${process.pid}.tmp`;
  writeFileSync(temporary, [...all.values()].join(''));
  // Whatever this process's umask is: an image that it is mounted into may have another user.
  chmodSync(temporary, 0o644);
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

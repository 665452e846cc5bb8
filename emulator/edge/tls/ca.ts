import { createPrivateKey, X509Certificate } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { createSecureContext, type SecureContext } from 'node:tls';
import { isOutOfDescriptors, outOfDescriptors } from '../../local/descriptors.ts';
import { writeBundle } from './bundle.ts';
import {
  type KeyAndCertificate,
  type LeafKind,
  leafLifetimeDays,
  leafNames,
  makeAuthority,
  makeLeaf,
} from './certificates.ts';

/**
 * The certificates of this data folder: one authority and two leafs.
 *
 * Why two leafs, measured with the real clients against one port (edge/tls/clients.test.ts repeats it): grpcio 1.85
 * (BoringSSL) refuses a chain whose CA has IP constraints when the *leaf* has an IP address in its SAN ("unsupported
 * name constraint type"); a DNS-only leaf under the very same CA is accepted. urllib, httpx, Node's fetch and curl
 * (OpenSSL) accept both. So one CA with all constraints is enough: clients that send a server name (SNI) get the DNS
 * leaf; clients that connect by address send none (RFC 6066 forbids addresses there) and get the IP leaf. grpcio by
 * address stays impossible: all our host variables say `localhost`.
 */
export interface TlsMaterial {
  readonly caPem: string;
  /** The IP leaf, a TLS server's default: used when the client sends no server name. */
  readonly key: string;
  readonly cert: string;
  /** For a TLS server: the leaf by server name; `undefined` or an address: the IP leaf. */
  contextFor(serverName: string | undefined): SecureContext;
  /**
   * Writes the bundle that SSL_CERT_FILE, REQUESTS_CA_BUNDLE and GRPC_DEFAULT_SSL_ROOTS_FILE_PATH will name.
   * @param more files with further certificates to trust
   */
  writeBundle(file: string, more?: readonly (string | undefined)[]): void;
}

/**
 * TLS 1.2 and nothing later, on purpose. In 1.3 a server sends session tickets *after* the handshake; Python's
 * `websockets` reads in one thread while it writes its upgrade in another, and CPython 3.11's ssl isn't safe there: on
 * loopback, where both happen in the same moment, about one connection in 500 hangs (measured with a plain node:https
 * server too; with 1.2 none in 2000). Node can't switch the tickets off. 1.2 with ECDHE is no loss on loopback.
 */
export const tlsVersion = 'TLSv1.2';

const dayMs = 86_400_000;
const renewBeforeMs = 7 * dayMs;

/**
 * Reads the certificates in `<dataDir>/tls`, and recreates those that are missing, damaged, about to expire (7 days),
 * not signed by the current authority, or from an earlier minifal with fewer names. Keys are 0600 in a folder 0700.
 * Never modifies a system store.
 */
export async function loadOrCreateTls(dataDir: string, now: number = Date.now()): Promise<TlsMaterial> {
  const folder = join(dataDir, 'tls');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);

  const storedCa = read(folder, 'ca');
  // An authority must outlive every leaf that it may sign today.
  const usable = storedCa !== undefined && validFor(storedCa, now, (leafLifetimeDays + 1) * dayMs);
  const authority = usable ? storedCa : await makeAuthority(now);
  if (!usable) write(folder, 'ca', authority);

  const isGood = (pair: KeyAndCertificate, kind: LeafKind): boolean =>
    validFor(pair, now, renewBeforeMs) && signedBy(pair, authority) && covers(pair, kind);
  const leaf = async (kind: LeafKind): Promise<KeyAndCertificate> => {
    const stored = read(folder, kind);
    const good = stored !== undefined && isGood(stored, kind);
    const pair = good ? stored : await makeLeaf(authority, kind, now);
    if (!good) write(folder, kind, pair);
    return pair;
  };
  const ip = await leaf('ip');
  const byAddress = contextOf(ip);
  const byName = contextOf(await leaf('dns'));

  return {
    caPem: authority.certPem,
    key: ip.keyPem,
    cert: ip.certPem,
    contextFor: (serverName) => (serverName === undefined || isIP(serverName) !== 0 ? byAddress : byName),
    writeBundle: (file, more) => writeBundle(file, authority.certPem, process.env, more),
  };
}

function contextOf({ keyPem, certPem }: KeyAndCertificate): SecureContext {
  return createSecureContext({ key: keyPem, cert: certPem, minVersion: tlsVersion, maxVersion: tlsVersion });
}

function read(folder: string, name: string): KeyAndCertificate | undefined {
  try {
    const keyPem = readFileSync(join(folder, `${name}.key`), 'utf8');
    const certPem = readFileSync(join(folder, `${name}.crt`), 'utf8');
    const matches = new X509Certificate(certPem).checkPrivateKey(createPrivateKey(keyPem));
    return matches ? { keyPem, certPem } : undefined;
  } catch (error) {
    // A file that can't be opened at present is neither missing nor damaged.
    if (isOutOfDescriptors(error)) throw outOfDescriptors('read its certificates');
    return undefined; // absent or damaged: made again
  }
}

function validFor({ certPem }: KeyAndCertificate, now: number, ms: number): boolean {
  const { validFromDate, validToDate } = new X509Certificate(certPem);
  return validFromDate.getTime() <= now && validToDate.getTime() >= now + ms;
}

function signedBy({ certPem }: KeyAndCertificate, authority: KeyAndCertificate): boolean {
  return new X509Certificate(certPem).verify(new X509Certificate(authority.certPem).publicKey);
}

function covers({ certPem }: KeyAndCertificate, kind: LeafKind): boolean {
  const certificate = new X509Certificate(certPem);
  return leafNames[kind].every((name) => (isIP(name) ? certificate.checkIP(name) : certificate.checkHost(name)));
}

/** The key is written first: a crash in between leaves a pair that doesn't match, which the next start replaces. */
function write(folder: string, name: string, { keyPem, certPem }: KeyAndCertificate): void {
  for (const [extension, text, mode] of [
    ['key', keyPem, 0o600],
    ['crt', certPem, 0o644],
  ] as const) {
    const temporary = join(folder, `.${name}.${extension}.${process.pid}`);
    writeFileSync(temporary, text, { mode });
    renameSync(temporary, join(folder, `${name}.${extension}`));
  }
}

import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
} from 'node:crypto';
import type { Extension as AsnExtension } from '@peculiar/asn1-x509';
import { namesBelowLocalhost } from '../../wire/hosts.ts';

/**
 * Makes the local certificate authority and its leaf certificates (ECDSA P-256). Keys and signatures are Node's own;
 * the structure comes from `@peculiar/asn1-x509`, loaded only when a certificate must be made: a start with
 * certificates on disk never pays for it. (`@peculiar/x509` would need a global `Reflect` polyfill and a dependency
 * injection container for the same bytes.)
 */

export interface KeyAndCertificate {
  readonly keyPem: string;
  readonly certPem: string;
}

/** `dns`: for clients that send a server name (SNI). `ip`: for clients that connect by address and send none. */
export type LeafKind = 'dns' | 'ip';

/**
 * The names that each leaf is valid for. Listed explicitly: some verifiers reject a wildcard right below a top-level
 * name.
 */
export const leafNames: { readonly [kind in LeafKind]: readonly string[] } = {
  dns: ['localhost', ...namesBelowLocalhost],
  ip: ['127.0.0.1', '::1'],
};

const dayMs = 86_400_000;
/** Ten years. */
const caLifetimeDays = 3650;
/** Below the maximum of 398 days that the strictest verifiers accept. */
export const leafLifetimeDays = 365;
/** The clocks of containers and virtual machines may be a little behind. */
const backdateMs = 3_600_000;

const commonName = '2.5.4.3';
const ecdsaWithSha256 = '1.2.840.10045.4.3.2';

/**
 * A new authority, name-constrained (critical) to the names of a local server: DNS `localhost` and the loopback
 * addresses. An attacker who steals its key can impersonate nothing but loopback.
 */
export async function makeAuthority(now: number): Promise<KeyAndCertificate> {
  const { x509, extension, keyIdentifier } = await load();
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const permitted = [{ dNSName: 'localhost' }, { iPAddress: '127.0.0.0/8' }, { iPAddress: '::1/128' }].map(
    (name) => new x509.GeneralSubtree({ base: new x509.GeneralName(name) }),
  );
  const constraints = new x509.NameConstraints({ permittedSubtrees: new x509.GeneralSubtrees(permitted) });
  const name = `minifal local CA ${randomBytes(4).toString('hex')}`;
  return await issue({
    subject: name,
    issuer: name,
    now,
    days: caLifetimeDays,
    publicKey,
    signer: privateKey,
    keyPem: pemOf(privateKey),
    extensions: [
      extension(x509.id_ce_basicConstraints, true, new x509.BasicConstraints({ cA: true, pathLenConstraint: 0 })),
      extension(x509.id_ce_keyUsage, true, usage(x509.KeyUsage, 0x06, 1)), // keyCertSign, cRLSign
      extension(x509.id_ce_nameConstraints, true, constraints),
      extension(x509.id_ce_subjectKeyIdentifier, false, new x509.SubjectKeyIdentifier(keyIdentifier(publicKey))),
    ],
  });
}

/** A new leaf for a TLS server, signed by `authority`. */
export async function makeLeaf(
  authority: KeyAndCertificate,
  kind: LeafKind,
  now: number,
  leafFor: readonly string[] = leafNames[kind],
): Promise<KeyAndCertificate> {
  const { x509, schema, extension, keyIdentifier } = await load();
  const signer = createPrivateKey(authority.keyPem);
  const ca = schema.AsnConvert.parse(derOf(authority.certPem), x509.Certificate);
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const names = leafFor.map((name) => (kind === 'dns' ? { dNSName: name } : { iPAddress: name }));
  return await issue({
    subject: `minifal ${kind}`,
    issuer: String(ca.tbsCertificate.subject[0]?.[0]?.value),
    now,
    days: leafLifetimeDays,
    publicKey,
    signer,
    keyPem: pemOf(privateKey),
    extensions: [
      extension(x509.id_ce_basicConstraints, true, new x509.BasicConstraints({ cA: false })),
      extension(x509.id_ce_keyUsage, true, usage(x509.KeyUsage, 0x80, 7)), // digitalSignature
      extension(x509.id_ce_extKeyUsage, false, new x509.ExtendedKeyUsage([x509.id_kp_serverAuth])),
      extension(
        x509.id_ce_subjectAltName,
        false,
        new x509.SubjectAlternativeName(names.map((name) => new x509.GeneralName(name))),
      ),
      extension(x509.id_ce_subjectKeyIdentifier, false, new x509.SubjectKeyIdentifier(keyIdentifier(publicKey))),
      extension(
        x509.id_ce_authorityKeyIdentifier,
        false,
        new x509.AuthorityKeyIdentifier({
          keyIdentifier: new x509.KeyIdentifier(keyIdentifier(createPublicKey(signer))),
        }),
      ),
    ],
  });
}

interface Issue {
  readonly subject: string;
  readonly issuer: string;
  readonly now: number;
  readonly days: number;
  readonly publicKey: KeyObject;
  readonly signer: KeyObject;
  readonly keyPem: string;
  readonly extensions: readonly AsnExtension[];
}

async function issue(wanted: Issue): Promise<KeyAndCertificate> {
  const { x509, schema } = await load();
  const nameOf = (text: string) =>
    new x509.Name([
      new x509.RelativeDistinguishedName([
        new x509.AttributeTypeAndValue({ type: commonName, value: new x509.AttributeValue({ utf8String: text }) }),
      ]),
    ]);
  const signatureAlgorithm = new x509.AlgorithmIdentifier({ algorithm: ecdsaWithSha256 });
  const tbsCertificate = new x509.TBSCertificate({
    version: x509.Version.v3,
    serialNumber: serial(),
    signature: signatureAlgorithm,
    issuer: nameOf(wanted.issuer),
    validity: new x509.Validity({
      notBefore: new Date(wanted.now - backdateMs),
      notAfter: new Date(wanted.now + wanted.days * dayMs),
    }),
    subject: nameOf(wanted.subject),
    subjectPublicKeyInfo: schema.AsnConvert.parse(spkiOf(wanted.publicKey), x509.SubjectPublicKeyInfo),
    extensions: new x509.Extensions([...wanted.extensions]),
  });
  const signatureValue = bufferOf(
    sign('sha256', Buffer.from(schema.AsnConvert.serialize(tbsCertificate)), wanted.signer),
  );
  const certificate = new x509.Certificate({ tbsCertificate, signatureAlgorithm, signatureValue });
  return { keyPem: wanted.keyPem, certPem: toPem(schema.AsnConvert.serialize(certificate)) };
}

async function load() {
  const [x509, schema] = await Promise.all([import('@peculiar/asn1-x509'), import('@peculiar/asn1-schema')]);
  const extension = (extnID: string, critical: boolean, value: unknown): AsnExtension =>
    new x509.Extension({ extnID, critical, extnValue: new schema.OctetString(schema.AsnConvert.serialize(value)) });
  /** RFC 5280 §4.2.1.2, method 1: SHA-1 of the bare public key. An identifier, not a protection. */
  const keyIdentifier = (key: KeyObject): ArrayBuffer => {
    const { subjectPublicKey } = schema.AsnConvert.parse(spkiOf(key), x509.SubjectPublicKeyInfo);
    return bufferOf(createHash('sha1').update(Buffer.from(subjectPublicKey)).digest());
  };
  return { x509, schema, extension, keyIdentifier };
}

/** A DER bit string of one byte, its trailing zero bits named as unused. */
function usage<T extends { value: ArrayBuffer; unusedBits: number }>(
  KeyUsage: new () => T,
  bits: number,
  unused: number,
): T {
  const value = new KeyUsage();
  value.value = bufferOf(Buffer.from([bits]));
  value.unusedBits = unused;
  return value;
}

/** 16 random bytes, positive and never starting with zero: always the same length in DER. */
function serial(): ArrayBuffer {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bufferOf(bytes);
}

function spkiOf(key: KeyObject): ArrayBuffer {
  return bufferOf(key.export({ type: 'spki', format: 'der' }));
}

function pemOf(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

function derOf(pem: string): ArrayBuffer {
  return bufferOf(Buffer.from(pem.replace(/-----[A-Z ]+-----|\s/g, ''), 'base64'));
}

function toPem(der: ArrayBuffer): string {
  const text = Buffer.from(der)
    .toString('base64')
    .replace(/(.{64})(?=.)/g, '$1\n');
  return `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`;
}

/** A copy of exactly these bytes: Node's small buffers are windows into a larger one. */
function bufferOf(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}

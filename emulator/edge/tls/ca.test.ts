import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { AsnConvert } from '@peculiar/asn1-schema';
import { Certificate, id_ce_nameConstraints, NameConstraints } from '@peculiar/asn1-x509';
import { expect, it, onTestFinished } from 'vitest';
import { writeBundle } from './bundle.ts';
import { loadOrCreateTls } from './ca.ts';
import { makeLeaf } from './certificates.ts';

const dayMs = 86_400_000;
const newFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'minifal-ca-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};
const certificate = (folder: string, name: string) =>
  new X509Certificate(readFileSync(join(folder, 'tls', `${name}.crt`)));

it('creates one authority and two leafs, and finds them again', async () => {
  const folder = newFolder();
  const first = await loadOrCreateTls(folder);
  expect(readdirSync(join(folder, 'tls')).toSorted()).toEqual([
    'ca.crt',
    'ca.key',
    'dns.crt',
    'dns.key',
    'ip.crt',
    'ip.key',
  ]);
  const second = await loadOrCreateTls(folder);
  expect([second.caPem, second.cert]).toEqual([first.caPem, first.cert]);
});

it('keeps its keys private', async () => {
  const folder = newFolder();
  await loadOrCreateTls(folder);
  expect(statSync(join(folder, 'tls')).mode & 0o777).toBe(0o700);
  for (const name of ['ca', 'dns', 'ip']) expect(statSync(join(folder, 'tls', `${name}.key`)).mode & 0o777).toBe(0o600);
});

it('constrains the authority, critically, to localhost and loopback', async () => {
  const folder = newFolder();
  await loadOrCreateTls(folder);
  const ca = AsnConvert.parse(new Uint8Array(certificate(folder, 'ca').raw), Certificate);
  const extension = ca.tbsCertificate.extensions?.find(({ extnID }) => extnID === id_ce_nameConstraints);
  expect(extension?.critical).toBe(true);
  const constraints = AsnConvert.parse(extension?.extnValue ?? new ArrayBuffer(0), NameConstraints);
  const permitted = constraints.permittedSubtrees?.map(({ base }) => base.dNSName ?? base.iPAddress);
  expect(permitted).toEqual(['localhost', '127.0.0.0/8', '::1/128']);
});

it('gives leafs a validity of 90 to 397 days, the authority ten years', async () => {
  const folder = newFolder();
  const now = Date.now();
  await loadOrCreateTls(folder, now);
  const days = (name: string): number => (certificate(folder, name).validToDate.getTime() - now) / dayMs;
  for (const name of ['dns', 'ip']) {
    expect(days(name)).toBeGreaterThan(90);
    expect(days(name)).toBeLessThan(397);
  }
  expect(days('ca')).toBeCloseTo(3650, 0);
});

it('renews a leaf in its last week, under the same authority', async () => {
  const folder = newFolder();
  const now = Date.now();
  const first = await loadOrCreateTls(folder, now);
  expect((await loadOrCreateTls(folder, now + 357 * dayMs)).cert).toBe(first.cert);
  const renewed = await loadOrCreateTls(folder, now + 359 * dayMs);
  expect(renewed.cert).not.toBe(first.cert);
  expect(renewed.caPem).toBe(first.caPem);
});

it('recreates everything when the authority can no longer outlive a leaf', async () => {
  const folder = newFolder();
  const now = Date.now();
  const first = await loadOrCreateTls(folder, now);
  const later = await loadOrCreateTls(folder, now + 3300 * dayMs);
  expect(later.caPem).not.toBe(first.caPem);
  expect(certificate(folder, 'dns').verify(certificate(folder, 'ca').publicKey)).toBe(true);
});

it.each(['ca.crt', 'ca.key', 'dns.crt', 'ip.key'])('replaces a damaged %s instead of failing', async (name) => {
  const folder = newFolder();
  await loadOrCreateTls(folder);
  writeFileSync(join(folder, 'tls', name), 'torn');
  await loadOrCreateTls(folder);
  for (const leaf of ['dns', 'ip']) {
    expect(certificate(folder, leaf).verify(certificate(folder, 'ca').publicKey)).toBe(true);
  }
});

it('writes a bundle of public roots, the extra roots of the machine and ours, each once', async () => {
  const folder = newFolder();
  const tls = await loadOrCreateTls(folder);
  const other = await loadOrCreateTls(newFolder());
  const extra = join(folder, 'extra.pem');
  writeFileSync(
    extra,
    `# a comment\n${other.caPem}\n-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n${other.caPem}`,
  );
  const file = join(folder, 'bundle.pem');
  writeBundle(file, tls.caPem, { NODE_EXTRA_CA_CERTS: extra, SSL_CERT_FILE: join(folder, 'absent.pem') });
  const text = readFileSync(file, 'utf8');
  const found = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  const same = (a: string, b: string): boolean => a.replace(/\s/g, '') === b.replace(/\s/g, '');
  for (const wanted of [rootCertificates[0] ?? '', other.caPem, tls.caPem]) {
    expect(found.filter((pem) => same(pem, wanted))).toHaveLength(1);
  }
  expect(found.length).toBeGreaterThanOrEqual(rootCertificates.length);
  expect(text).not.toContain('PRIVATE');
});

it('writes a bundle that every user can read, whatever the umask is', async () => {
  const umask = process.umask(0o077);
  onTestFinished(() => void process.umask(umask));
  const folder = newFolder();
  const { caPem } = await loadOrCreateTls(folder);
  const file = join(folder, 'bundle.pem');
  writeBundle(file, caPem, {});
  expect(statSync(file).mode & 0o777).toBe(0o644);
});

it('does not read its own older bundle back, although the environment names it', async () => {
  const folder = newFolder();
  const old = await loadOrCreateTls(newFolder());
  const tls = await loadOrCreateTls(folder);
  const file = join(folder, 'bundle.pem');
  writeFileSync(file, old.caPem);
  writeBundle(file, tls.caPem, { SSL_CERT_FILE: file });
  expect(readFileSync(file, 'utf8').replace(/\s/g, '')).not.toContain(old.caPem.replace(/\s/g, ''));
});

it('renews a leaf of an earlier minifal that lacks a name, and keeps the authority', async () => {
  const folder = newFolder();
  const { caPem } = await loadOrCreateTls(folder);
  const pair = await makeLeaf(
    { certPem: caPem, keyPem: readFileSync(join(folder, 'tls', 'ca.key'), 'utf8') },
    'dns',
    Date.now(),
    ['localhost'],
  );
  writeFileSync(join(folder, 'tls', 'dns.key'), pair.keyPem);
  writeFileSync(join(folder, 'tls', 'dns.crt'), pair.certPem);
  expect((await loadOrCreateTls(folder)).caPem).toBe(caPem);
  const { subjectAltName } = certificate(folder, 'dns');
  expect(subjectAltName).toBe('DNS:localhost, DNS:queue.localhost, DNS:ws.localhost, DNS:wma.localhost');
});

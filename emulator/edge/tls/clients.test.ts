import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { edgeServer } from '../http-server.ts';
import { type Listener, listen } from '../listener.ts';
import { loadOrCreateTls } from './ca.ts';

/**
 * Clients that every machine has, against one port: each must trust the bundle, by name and by address. Those that need
 * packages (httpx, grpcio) call a whole emulator in test/e2e/tls-clients.test.ts.
 */
const run = promisify(execFile);
const probe = join(import.meta.dirname, 'probe.py');

let folder: string;
let listener: Listener;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'minifal-tls-'));
  const tls = await loadOrCreateTls(folder);
  const bundle = join(folder, 'bundle.pem');
  tls.writeBundle(bundle);
  const http = edgeServer({
    request: (_req, res) => void res.end('ok'),
    upgrade: (_req, socket) => void socket.destroy(),
  });
  listener = await listen({ port: 0, tls, http });
  env = {
    PATH: process.env.PATH,
    NO_PROXY: '*',
    SSL_CERT_FILE: bundle,
    NODE_EXTRA_CA_CERTS: bundle,
    CURL_CA_BUNDLE: bundle,
  };
});

afterAll(async () => {
  await listener.close();
  rmSync(folder, { recursive: true, force: true });
});

const call = async (file: string, args: readonly string[]): Promise<string> =>
  (await run(file, [...args], { env, timeout: 30_000 })).stdout.trim();
const fetchScript = (url: string): string => `process.stdout.write(await (await fetch(${JSON.stringify(url)})).text())`;

/** Names below localhost are resolved here if the system's resolver doesn't know them. */
const resolved = (): readonly string[] =>
  ['ws.localhost', 'queue.localhost', 'wma.localhost'].flatMap((name) => [
    '--resolve',
    `${name}:${listener.port}:127.0.0.1`,
  ]);

describe.each(['ws.localhost', 'queue.localhost', 'wma.localhost'])('TLS to %s', (host) => {
  const url = (): string => `https://${host}:${listener.port}/`;

  it("is trusted by Python's ssl, curl and Node", async () => {
    expect(await call('python3', [probe, url(), '127.0.0.1'])).toBe('ok');
    expect(await call('curl', ['-sS', '--max-time', '10', ...resolved(), url()])).toBe('ok');
    const get = `import { get } from 'node:https';
      const lookup = (_name, { all }, done) => done(null, all ? [{ address: '127.0.0.1', family: 4 }] : '127.0.0.1', 4);
      get(${JSON.stringify(url())}, { lookup }, (response) => response.pipe(process.stdout));`;
    expect(await call(process.execPath, ['--input-type=module', '-e', get])).toBe('ok');
  });
});

describe.each(['localhost', '127.0.0.1', '[::1]'])('TLS to %s', (host) => {
  const url = (): string => `https://${host}:${listener.port}/`;
  const hasV6 = (): boolean => host !== '[::1]' || listener.addresses.includes('::1');

  it("is trusted by Python's urllib", async ({ skip }) => {
    if (!hasV6()) skip('no ::1 on this machine');
    expect(await call('python3', [probe, url()])).toBe('ok');
  });

  it('is trusted by curl', async ({ skip }) => {
    if (!hasV6()) skip('no ::1 on this machine');
    expect(await call('curl', ['-sS', '--max-time', '10', url()])).toBe('ok');
  });

  it("is trusted by Node's fetch", async ({ skip }) => {
    if (!hasV6()) skip('no ::1 on this machine');
    expect(await call(process.execPath, ['--input-type=module', '-e', fetchScript(url())])).toBe('ok');
  });
});

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { edgeServer } from '../http-server.ts';
import { type Listener, listen } from '../listener.ts';
import { loadOrCreateTls } from './ca.ts';

/**
 * The real clients against one port: each must trust the bundle, by name and by address. `MINIFAL_TEST_PYTHON` names a Python with
 * httpx, requests and grpcio; without it those rows are skipped with the reason in their name.
 */
const run = promisify(execFile);
const probe = join(import.meta.dirname, 'probe.py');
const richPython = process.env.MINIFAL_TEST_PYTHON;

let folder: string;
let listener: Listener;
let grpc: Server;
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
  grpc = new Server();
  const echo = { path: '/probe.Probe/Ping', requestStream: false, responseStream: false };
  const bytes = (value: Buffer): Buffer => value;
  grpc.addService(
    {
      ping: {
        ...echo,
        requestSerialize: bytes,
        requestDeserialize: bytes,
        responseSerialize: bytes,
        responseDeserialize: bytes,
      },
    },
    { ping: (_call: unknown, done: (error: null, value: Buffer) => void) => done(null, Buffer.from('ok')) },
  );
  const injector = grpc.createConnectionInjector(ServerCredentials.createInsecure());
  listener = await listen({ port: 0, tls, http, http2: (socket) => injector.injectConnection(socket) });
  env = {
    PATH: process.env.PATH,
    NO_PROXY: '*',
    SSL_CERT_FILE: bundle,
    REQUESTS_CA_BUNDLE: bundle,
    GRPC_DEFAULT_SSL_ROOTS_FILE_PATH: bundle,
    NODE_EXTRA_CA_CERTS: bundle,
    CURL_CA_BUNDLE: bundle,
  };
});

afterAll(async () => {
  grpc.forceShutdown();
  await listener.close();
  rmSync(folder, { recursive: true, force: true });
});

const call = async (file: string, args: readonly string[]): Promise<string> =>
  (await run(file, [...args], { env, timeout: 30_000 })).stdout.trim();
const fetchScript = (url: string): string => `process.stdout.write(await (await fetch(${JSON.stringify(url)})).text())`;

describe.each(['localhost', '127.0.0.1', '[::1]'])('TLS to %s', (host) => {
  const url = (): string => `https://${host}:${listener.port}/`;
  const hasV6 = (): boolean => host !== '[::1]' || listener.addresses.includes('::1');

  it("is trusted by Python's urllib", async ({ skip }) => {
    if (!hasV6()) skip('no ::1 on this machine');
    expect(await call('python3', [probe, 'urllib', url()])).toBe('ok');
  });

  it('is trusted by curl', async ({ skip }) => {
    if (!hasV6()) skip('no ::1 on this machine');
    expect(await call('curl', ['-sS', '--max-time', '10', url()])).toBe('ok');
  });

  it("is trusted by Node's fetch", async ({ skip }) => {
    if (!hasV6()) skip('no ::1 on this machine');
    expect(await call(process.execPath, ['--input-type=module', '-e', fetchScript(url())])).toBe('ok');
  });

  it.skipIf(richPython === undefined).each(['httpx', 'requests'])(
    'is trusted by %s (needs MINIFAL_TEST_PYTHON)',
    async (client) => {
      expect(await call(richPython ?? '', [probe, client, url()])).toBe('ok');
    },
  );
});

describe.skipIf(richPython === undefined)('grpcio (needs MINIFAL_TEST_PYTHON)', () => {
  it('trusts the DNS leaf: gRPC over TLS to localhost', async () => {
    expect(await call(richPython ?? '', [probe, 'grpcio', `localhost:${listener.port}`])).toBe('ok');
  });

  it('refuses the IP leaf: the reason why the host variables say localhost', async () => {
    expect(await call(richPython ?? '', [probe, 'grpcio', `127.0.0.1:${listener.port}`])).toMatch(/^refused/);
  });
});

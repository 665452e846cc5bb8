import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Emulator, minifalCommand, startEmulator } from '../support/emulator.ts';
import { isMissing } from '../support/needs.ts';
import { mustRun, run } from '../support/process.ts';
import { createProject } from '../support/project.ts';
import { type PythonTools, pythonTools } from '../support/python.ts';

let folder: string;
let emulator: Emulator;
let tools: PythonTools;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "minifal it's $HOME `id`\n"));
  tools = await pythonTools();
  emulator = await startEmulator({ dataDir: join(folder, 'data "folder"'), env: { SHELL: '/bin/bash' } });
});
afterAll(async () => {
  await emulator?.stop();
  await rm(folder, { recursive: true, force: true });
});

const isThere = (program: string) => spawnSync(program, ['--version']).error === undefined;
const own = /^(FAL_|SSL_CERT_FILE|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|NODE_EXTRA_CA_CERTS)/;
/** The variables of a new terminal. */
const bare = () => Object.fromEntries(Object.entries(process.env).filter(([name]) => !own.test(name)));

describe('the command', () => {
  it('is executable, including through a link and in another folder', async () => {
    await mkdir(join(folder, 'bin'));
    await symlink(minifalCommand, join(folder, 'bin', 'minifal'));
    for (const program of [minifalCommand, join(folder, 'bin', 'minifal')]) {
      expect(await mustRun(program, ['--version'], { cwd: folder })).toMatch(/^\d+\.\d+\.\d+\n$/);
    }
  });

  const old = ['/usr/bin/node', '/usr/local/bin/node'].find((node) => isOld(node));
  it.skipIf(isMissing(old, 'handing over from an old Node: this system has none'))(
    'hands over to its own Node from one of the system that is too old',
    async () => {
      expect(await mustRun(old ?? '', [minifalCommand, '--version'], { cwd: folder })).toMatch(/^\d+\.\d+\.\d+\n$/);
    },
  );

  function isOld(node: string): boolean {
    const version = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout ?? '';
    return version !== '' && Number(/^v(\d+)/.exec(version)?.[1]) < 22;
  }
});

describe.each([
  ['bash', '/bin/bash'],
  ['fish', '/usr/bin/fish'],
  ['zsh', '/usr/bin/zsh'],
])('the line that `minifal start` prints, in %s', (shell, path) => {
  it.skipIf(isMissing(isThere(shell), `the variables in ${shell}: it is not installed`))(
    'points this shell here, whatever the data folder is called',
    async () => {
      // A second start prints the line, too, for the shell of its caller.
      const dataDir = join(folder, `data of "${shell}"`);
      const one = await startEmulator({ dataDir, env: { SHELL: path } });
      try {
        const line = /To use it in a terminal: {2}(.+)/s.exec(one.logText())?.[1]?.trimEnd();
        expect(line).toBeDefined();
        const script = `${line}\n'${process.execPath}' -e 'process.stdout.write(JSON.stringify(process.env))'\n`;
        const env = JSON.parse(await mustRun(shell, ['-c', script], { env: bare(), cwd: '/' }));
        expect(env).toMatchObject(one.variables);
        expect(env.SSL_CERT_FILE).toBe(join(dataDir, 'tls', 'bundle.pem'));
      } finally {
        await one.stop();
      }
    },
  );
});

describe('on a machine behind a proxy', () => {
  let proxy: Server;
  let address: string;
  const asked: string[] = [];
  beforeAll(async () => {
    proxy = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      response.writeHead(403).end('not through here');
    });
    proxy.on('connect', (request, socket) => {
      asked.push(`CONNECT ${request.url}`);
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    });
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    address = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  });
  afterAll(() => void proxy?.close());

  /** A terminal with a proxy, with the variables that `minifal env` printed there. */
  async function terminal(exempted: NodeJS.ProcessEnv): Promise<NodeJS.ProcessEnv> {
    const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY'].flatMap((name) => [name, name.toLowerCase()]);
    const { NO_PROXY: _u, no_proxy: _l, ...rest } = bare();
    const env = { ...rest, ...Object.fromEntries(names.map((name) => [name, address])), ...exempted };
    const args = [minifalCommand, 'env', '--data', emulator.dataDir, '--format', 'json'];
    return tools.env({ ...env, ...JSON.parse(await mustRun(process.execPath, args, { env })) });
  }

  const users = [
    ['no list', {}],
    ['only NO_PROXY', { NO_PROXY: 'corp.example' }],
    ['only no_proxy', { no_proxy: 'corp.example,10.0.0.0/8' }],
    ['everything exempted', { NO_PROXY: '*' }],
  ] as const;

  it.each(users)('with %s, every client reaches the emulator past it', async (_what, exempted) => {
    const env = await terminal(exempted);
    asked.length = 0;
    const ports = Object.values(emulator.ports);
    const fetchAll = `Promise.all(process.argv.slice(1).map((port) => fetch('https://localhost:' + port + '/x')))
      .then((all) => process.stdout.write(all.map(({ status }) => status).join(' ')))`;
    const node = { ...env, NODE_USE_ENV_PROXY: '1' };
    expect(await mustRun(process.execPath, ['-e', fetchAll, ...ports.map(String)], { env: node })).toMatch(
      /^(4\d\d ?){4}$/,
    );
    for (const host of ['localhost', '127.0.0.1', '[::1]']) {
      const url = `https://${host}:${emulator.ports.run}/nobody/nothing`;
      const args = [
        '--silent',
        '--output',
        '/dev/null',
        '--write-out',
        '%{http_code}',
        '--cacert',
        env.SSL_CERT_FILE ?? '',
      ];
      expect([host, await mustRun('curl', [...args, url], { env })]).toEqual([host, expect.stringMatching(/^4\d\d$/)]);
    }
    // gRPC, then REST.
    for (const args of [
      ['apps', 'list'],
      ['auth', 'whoami'],
    ]) {
      const done = await run(tools.python, ['-m', 'fal', ...args], { env });
      expect([done.code, done.stdout + done.stderr]).toEqual([0, expect.anything()]);
    }
    const project = await createProject({ ...tools, env: () => env }, { env }, {});
    expect(await project.pythonJson(pythonClients, ...ports.map(String))).toEqual({
      fal_client: 'FalClientHTTPError 404',
      httpx: 404,
      requests: 404,
      urllib: 404,
      websockets: 'InvalidStatus 404',
    });
    await project.remove();
    expect(asked).toEqual([]);
  });

  it('minifal’s own command line does, too, even if Node uses the proxy variables', async () => {
    const env = { ...(await terminal({})), NODE_USE_ENV_PROXY: '1' };
    const { NO_PROXY: _u, no_proxy: _l, ...without } = env as NodeJS.ProcessEnv;
    asked.length = 0;
    const args = [minifalCommand, 'status', '--data', emulator.dataDir];
    expect(await mustRun(process.execPath, args, { env: without })).toContain(`localhost:${emulator.ports.api}`);
    expect(asked).toEqual([]);
  });
});

const pythonClients = `
import json, sys, urllib.error, urllib.request
import httpx
import fal_client

try:
    import requests
except ImportError:
    requests = None
from websockets.sync.client import connect

run, ws = sys.argv[2], sys.argv[4]
url = f"https://localhost:{run}/nobody/nothing"
found = {}
try:
    urllib.request.urlopen(url)
except urllib.error.HTTPError as error:
    found["urllib"] = error.code
headers = {"authorization": "Key " + __import__("os").environ["FAL_KEY"]}
found["httpx"] = httpx.get(url, headers=headers).status_code
found["requests"] = requests.get(url, headers=headers).status_code if requests else 404
try:
    fal_client.run("local/nothing", {})
except Exception as error:
    found["fal_client"] = f"{type(error).__name__} {error.response.status_code}"
try:
    connect(f"wss://localhost:{ws}/nobody/nothing", additional_headers=headers)
except Exception as error:
    found["websockets"] = f"{type(error).__name__} {error.response.status_code}"
print(json.dumps(found))
`;

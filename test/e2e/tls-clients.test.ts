import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Emulator, startEmulator } from '../support/emulator.ts';
import { run } from '../support/process.ts';
import { createProject, type Project } from '../support/project.ts';
import { pythonTools } from '../support/python.ts';

let emulator: Emulator;
let project: Project;
let python: string;

beforeAll(async () => {
  emulator = await startEmulator();
  const tools = await pythonTools();
  python = tools.python;
  project = await createProject(tools, emulator, {});
});
afterAll(async () => {
  await project?.remove();
  await emulator?.stop();
});

/** Each prints the HTTP status of the URL (argument 1) with the certificate verified, or fails. */
const clients: { readonly [name: string]: (url: string, trust: boolean) => Promise<string> } = {
  urllib: (url, trust) =>
    viaPython(
      `import sys, urllib.request, urllib.error
try:
    print(urllib.request.urlopen(sys.argv[1]).status)
except urllib.error.HTTPError as error:
    print(error.code)`,
      url,
      trust,
    ),
  httpx: (url, trust) => viaPython('import sys, httpx; print(httpx.get(sys.argv[1]).status_code)', url, trust),
  "Node's fetch": async (url, trust) => {
    const source = 'fetch(process.argv[1]).then((response) => process.stdout.write(String(response.status)))';
    return printed(process.execPath, ['-e', source, url], environment(trust));
  },
  curl: (url, trust) => {
    const bundle = trust ? ['--cacert', emulator.variables.SSL_CERT_FILE ?? ''] : [];
    return printed(
      'curl',
      ['--silent', '--output', '/dev/null', '--write-out', '%{http_code}', ...bundle, url],
      environment(trust),
    );
  },
};

function viaPython(source: string, url: string, trust: boolean): Promise<string> {
  return printed(python, ['-c', source, url], environment(trust));
}

/** The environment of a client; without trust: the one before `minifal env`. */
function environment(trust: boolean): NodeJS.ProcessEnv {
  if (trust) return emulator.env;
  const ours = Object.keys(emulator.variables).filter((name) => !name.startsWith('FAL_'));
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.includes(name)));
}

async function printed(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  const { code, stdout, stderr } = await run(command, args, { env });
  return code === 0 ? stdout.trim() : `refused: ${stderr}`;
}

describe.each(Object.entries(clients))('%s', (_name, client) => {
  it.each(['api', 'run', 'queue', 'ws'] as const)('verifies the %s host by name', async (host) => {
    // 401 without a key, 404 for an unknown path: any answer proves the handshake.
    expect(await client(`https://localhost:${emulator.ports[host]}/nobody/nothing`, true)).toMatch(/^4\d\d$/);
  });

  it('verifies a loopback address', async () => {
    expect(await client(`https://127.0.0.1:${emulator.ports.run}/nobody/nothing`, true)).toMatch(/^4\d\d$/);
  });

  it('refuses without our authority', async () => {
    expect(await client(`https://localhost:${emulator.ports.run}/nobody/nothing`, false)).toMatch(/^(refused|000)/);
  });
});

describe('grpcio', () => {
  const source = `
import json, sys, grpc
with open(sys.argv[2], "rb") as file:
    roots = file.read() if sys.argv[3] == "trust" else None
channel = grpc.secure_channel(sys.argv[1], grpc.ssl_channel_credentials(roots))
try:
    grpc.channel_ready_future(channel).result(timeout=10)
    print(json.dumps("ready"))
except grpc.FutureTimeoutError:
    print(json.dumps("never ready"))
`;

  it('verifies the api host by name', async () => {
    const target = `localhost:${emulator.ports.api}`;
    expect(await project.pythonJson(source, target, emulator.variables.SSL_CERT_FILE ?? '', 'trust')).toBe('ready');
  });

  it('refuses without our authority', async () => {
    const target = `localhost:${emulator.ports.api}`;
    const { stdout } = await run(python, ['-c', source, target, emulator.variables.SSL_CERT_FILE ?? '', 'default'], {
      env: environment(false),
    });
    expect(JSON.parse(stdout)).toBe('never ready');
  });

  it('carries the SDK', async () => {
    const list = `
import json
from fal.api import SyncServerlessClient
print(json.dumps([environment.name for environment in SyncServerlessClient().environments.list()]))`;
    expect(await project.pythonJson(list)).toEqual(['main']);
  });
});

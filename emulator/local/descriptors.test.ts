import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { takesReserve } from './descriptors.ts';

const room = join(import.meta.dirname, '..');

/** Uses up every descriptor that the process may have, calls each component, and returns the answers. */
const program = `
import { openSync } from 'node:fs';
import { descriptorLimit } from '${room}/local/descriptors.ts';
import { probeHealth, acceptsConnections } from '${room}/engines/health/health.ts';
import { runTool } from '${room}/builds/tool.ts';
import { ensureUv } from '${room}/local/uv/uv.ts';
import { foundPythons } from '${room}/builds/uv/pythons.ts';
import { startSupervisor } from '${room}/engines/process/supervisor.ts';
import { neverKept } from '${room}/exchange/connections.ts';
import { createWriteBatches } from '${room}/exchange/write-batches.ts';
import { performAttempt } from '${room}/exchange/upstream.ts';

const address = { host: '127.0.0.1', port: Number(process.argv[1]) };
await probeHealth(address, { path: null, method: 'GET' }, 5);
try { for (;;) openSync('/dev/null'); } catch {}
const env = { PATH: process.env.PATH, HOME: '/nowhere' };
const answers = {
  limit: descriptorLimit(),
  probe: await probeHealth(address, { path: '/ready', method: 'GET' }, 5),
  tcp: await acceptsConnections(address),
  tool: (await runTool({ command: 'true', args: [], cwd: '/', env, line() {} })).output.join(),
  uv: await ensureUv({ toolsDir: '/nowhere', env }).then(String, (error) => error.message),
  pythons: (await foundPythons('uv', env)) ?? 'unknown',
  supervisor: await new Promise((onGone) => startSupervisor({
    python: process.execPath, runnerSources: '/nowhere', config: {}, env, onMessage() {}, onGone,
  })),
  attempt: await performAttempt({
    address, links: { connections: neverKept, writeBatches: createWriteBatches() }, method: 'GET', path: '/',
    headers: [], body: { kind: 'none' }, signals: [],
  }),
};
process.stdout.write(JSON.stringify(answers));
`;

describe('a connection that was just accepted', () => {
  it('is in the reserve when its descriptor is among the last quarter', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    onTestFinished(() => {
      client.destroy();
      server.close();
    });
    const [socket] = await once(server, 'connection');
    expect([16, 1_000_000].map((limit) => takesReserve(socket, limit))).toEqual([true, false]);
  });
});

describe.runIf(process.platform === 'linux')('without a descriptor left', () => {
  it('nothing is reported as a dead runner or as a machine without Python', async () => {
    const server = createServer((_request, response) => void response.end()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const node = [
      process.execPath,
      '--input-type=module',
      '-e',
      program,
      String((server.address() as AddressInfo).port),
    ];
    const { stdout } = await promisify(execFile)('sh', ['-c', 'ulimit -n 64; exec "$@"', 'sh', ...node]);
    const none = 'has no file descriptors left to';
    expect(JSON.parse(stdout)).toEqual({
      limit: 64,
      probe: 'unknown',
      tcp: 'unknown',
      tool: expect.stringContaining(`${none} start true`),
      uv: expect.stringContaining(`${none} start`),
      pythons: 'unknown',
      supervisor: expect.stringContaining(`${none} start runners`),
      attempt: {
        kind: 'failed',
        outcome: { kind: 'response', status: 503, stopRunner: false },
        error: expect.objectContaining({ type: 'runner_connection_error', detail: expect.stringContaining(none) }),
      },
    });
  });
});

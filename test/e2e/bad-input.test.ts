import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { preface } from '../../emulator/edge/testing/http2.ts';
import { type Emulator, minifalCommand, startEmulator } from '../support/emulator.ts';
import { call, owner, submit } from '../support/http.ts';
import { run } from '../support/process.ts';
import { createProject, echoApp, lastJson, type Project } from '../support/project.ts';
import { pythonTools } from '../support/python.ts';
import { createRandom } from '../support/random.ts';

const brokenApps = `
import fal
from pydantic import BaseModel


class Output(BaseModel):
    ok: bool = True


class BadSetup(fal.App, keep_alive=60):
    machine_type = "XS"

    def setup(self):
        raise ValueError("no weights here")

    @fal.endpoint("/")
    def run(self) -> Output:
        return Output()


class OddHealth(fal.App, keep_alive=60):
    machine_type = "XS"

    @fal.endpoint("/")
    def run(self) -> Output:
        return Output()

    @fal.endpoint("/he alth 健康", health_check=fal.HealthCheck(timeout_seconds=10_000_000))
    def alive(self) -> Output:
        return Output()


class Hostile(fal.App, keep_alive=60):
    machine_type = "XS"

    @fal.endpoint("/")
    def run(self) -> Output:
        import os

        for name in os.listdir("/proc/self/fd"):
            if int(name) > 2:
                try:
                    os.write(int(name), b'[]\\n{"event": "exited"}\\n')
                except OSError:
                    pass
        return Output()


class NoSuchRequirement(fal.App):
    machine_type = "XS"
    requirements = ["pyjokes==99.99.99"]

    @fal.endpoint("/")
    def run(self) -> Output:
        return Output()
`;

/** `helper` exists only on the developer's side, so the runner cannot load the function. */
const needsHelper = `
import fal
import helper


@fal.function(machine_type="XS")
def use():
    return helper.VALUE
`;

let emulator: Emulator;
let project: Project;
let account: string;

beforeAll(async () => {
  emulator = await startEmulator();
  project = await createProject(await pythonTools(), emulator, {
    'echo.py': echoApp,
    'broken.py': brokenApps,
    'needs_helper.py': needsHelper,
    'helper.py': 'VALUE = 1\n',
  });
  account = await owner(emulator);
  await project.mustFal('deploy', 'echo.py::Echo', '--app-name', 'echo');
});
afterAll(async () => {
  await project?.remove();
  await emulator?.stop();
});

// After all inputs, the same process still answers on every protocol and has reported no bug.
afterEach(async () => {
  const echoed = await call(emulator, 'run', `/${account}/echo`, { body: { number: 1 } });
  expect([echoed.status, await echoed.json()]).toEqual([200, { number: 1 }]);
  expectNoStackTrace(emulator.logText());
  expect(await readFile(join(emulator.dataDir, 'emulator.log'), 'utf8')).not.toContain('"level":"error"');
});

function expectNoStackTrace(text: string): void {
  expect(text).not.toMatch(/\n\s+at .+[(:]\d+|node:internal|Traceback \(most recent call last\)/);
}

async function expectError(response: Response, status: number | readonly number[]): Promise<void> {
  const text = await response.text();
  expect([status].flat(), text).toContain(response.status);
  expectNoStackTrace(text);
  expect(JSON.parse(text)).toEqual(expect.objectContaining({ detail: expect.any(String) }));
}

describe('over HTTP', () => {
  it("malformed JSON gets the app server's own validation error", async () => {
    const response = await call(emulator, 'run', `/${account}/echo`, { body: '{"number": ' });
    expect(response.status).toBe(422);
    expect(await response.json()).toEqual({ detail: [expect.objectContaining({ loc: ['body', 11] })] });
    expect(response.headers.get('x-fal-request-id')).not.toBeNull();
  });

  it('malformed JSON through the queue is a completed request with that error', async () => {
    const id = await submit(emulator, `${account}/echo`, '{"number": ');
    const stream = await call(emulator, 'queue', `/${account}/echo/requests/${id}/status/stream`);
    expect(await stream.text()).toContain('COMPLETED');
    expect((await call(emulator, 'queue', `/${account}/echo/requests/${id}`)).status).toBe(422);
  });

  it('malformed JSON on the REST host is reported in a sentence', async () => {
    const response = await call(emulator, 'api', '/files/missing_hashes', { body: '{"hashes": [' });
    await expectValidation(response);
  });

  it('JSON of the wrong shape on the REST host is reported in a sentence', async () => {
    await expectValidation(await call(emulator, 'api', '/files/missing_hashes', { body: { hashes: 'all' } }));
  });

  it.each([['run'], ['queue']] as const)('an unknown app is a 404 on the %s host', async (host) => {
    const response = await call(emulator, host, `/${account}/never-deployed`, { body: { number: 1 } });
    expect(response.headers.get('x-fal-request-id')).not.toBeNull();
    await expectError(response, 404);
  });

  it.each([['run'], ['queue'], ['api']] as const)('a wrong key is a 401 on the %s host', async (host) => {
    const path = host === 'api' ? '/users/current' : `/${account}/echo`;
    await expectError(await call(emulator, host, path, { headers: { authorization: 'Key wrong:key' } }), 401);
  });

  it.each([['run'], ['queue']] as const)('an oversized body is a 413 on the %s host', async (host) => {
    expect(await postZeros(emulator.ports[host], `/${account}/echo`, 101 * 1024 * 1024)).toBe(413);
  });

  it.each([
    ['GET', '/status'],
    ['GET', ''],
    ['PUT', '/cancel'],
  ])('an unknown request id is a 404 for %s …%s', async (method, path) => {
    const id = '00000000-0000-4000-8000-000000000000';
    const response = await call(emulator, 'queue', `/${account}/echo/requests/${id}${path}`, { method });
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual(expect.objectContaining({ status: 'NOT_FOUND' }));
  });
});

/** The shape that OpenAPI clients parse (docs/platform/rest.md#rules). */
async function expectValidation(response: Response): Promise<void> {
  const text = await response.text();
  expect([400, 422], text).toContain(response.status);
  expectNoStackTrace(text);
  expect(JSON.parse(text)).toHaveProperty('detail');
}

/** Sends zeros until the server answers or has received all of them. */
async function postZeros(port: number, path: string, length: number): Promise<number> {
  const sent = request({
    host: 'localhost',
    port,
    path,
    method: 'POST',
    headers: { authorization: emulator.authorization, 'content-type': 'application/json', 'content-length': length },
  });
  const answered = new Promise<number>((resolve, reject) => {
    sent.once('response', (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    // A server may close after its answer, which has been read by then.
    sent.once('error', reject);
  });
  const chunk = Buffer.alloc(1024 * 1024);
  let left = length;
  const more = () => {
    while (left > 0 && !sent.destroyed) {
      const part = chunk.subarray(0, Math.min(left, chunk.length));
      left -= part.length;
      if (!sent.write(part)) {
        sent.once('drain', more);
        return;
      }
    }
    if (!sent.destroyed) sent.end();
  };
  more();
  return answered.finally(() => sent.destroy());
}

describe('garbage on the api port', () => {
  const random = createRandom(1);
  const noise = Buffer.from(Array.from({ length: 4096 }, () => Math.floor(random() * 256)));
  it.each([
    ['noise', noise],
    ['an HTTP/2 preface and then noise', Buffer.concat([preface, noise])],
    ['a TLS hello and then noise', Buffer.concat([Buffer.from([0x16, 3, 1, 0x0f, 0xff]), noise])],
    ['half a request', Buffer.from('POST /users/current HTTP/1.1\r\nHost: loc')],
    ['a header without end', Buffer.from(`GET / HTTP/1.1\r\nHost: ${'a'.repeat(200_000)}`)],
    ['nothing', Buffer.alloc(0)],
  ])('%s does no harm', async (_name, bytes) => {
    const socket = connect(emulator.ports.api, '127.0.0.1');
    // Closing the connection is a valid answer to garbage.
    socket.on('error', () => undefined);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.end(bytes);
    socket.resume();
    await closed;
    expect(lastJson(await project.mustFal('apps', 'list', '--json')).apps).toHaveLength(1);
  });
});

describe('through the SDK', () => {
  it('a function that cannot be unpickled names the missing module', async () => {
    const { code, stdout, stderr } = await project.fal('run', 'needs_helper.py::use');
    const output = stdout + stderr;
    expect(code).not.toBe(0);
    expect(output).toMatch(/deserializ/i);
    expect(output).toContain('helper');
    expectNoStackTrace(output);
  });

  it("a requirement that doesn't exist fails the deploy with the installer's words", async () => {
    const { code, stdout, stderr } = await project.fal('deploy', 'broken.py::NoSuchRequirement', '--app-name', 'none');
    const output = stdout + stderr;
    expect(code).not.toBe(0);
    expect(output).toContain('pyjokes==99.99.99');
    expectNoStackTrace(output);
  });

  it('a setup() that raises answers the caller with a platform error and shows the exception in the logs', async () => {
    const { code } = await project.fal(
      'deploy',
      'broken.py::BadSetup',
      '--app-name',
      'bad-setup',
      '--strategy',
      'recreate',
    );
    expect(code).toBe(0);
    const headers = { 'x-fal-request-timeout': '8' };
    const response = await call(emulator, 'run', `/${account}/bad-setup`, { body: {}, headers });
    expect(response.headers.get('x-fal-error-type')).toBe('request_timeout');
    expect(response.headers.get('x-fal-request-timeout-type')).toBe('user');
    await expectError(response, 504);
    const logs = await call(emulator, 'api', '/logs/?limit=1000&app_id=bad-setup');
    expect(await logs.text()).toContain('no weights here');
  });

  it('a health check with spaces in its path and a timeout of months is made as declared', async () => {
    await project.mustFal('deploy', 'broken.py::OddHealth', '--app-name', 'odd-health');
    expect(await (await call(emulator, 'run', `/${account}/odd-health`, { body: {} })).json()).toEqual({ ok: true });
  });

  it('an app that writes to all its descriptors ends only its own runner', async () => {
    await project.mustFal('deploy', 'broken.py::Hostile', '--app-name', 'hostile');
    const other = call(emulator, 'run', `/${account}/echo`, { body: { number: 7, seconds: 3 } });
    const headers = { 'x-fal-request-timeout': '8' };
    await call(emulator, 'run', `/${account}/hostile`, { body: {}, headers });
    expect(await (await other).json()).toEqual({ number: 7 });
    const logs = async () => (await call(emulator, 'api', '/logs/?limit=1000&app_id=hostile')).text();
    await expect.poll(logs, { timeout: 10_000 }).toContain('an unknown report');
    expect(await readFile(join(emulator.dataDir, 'emulator.log'), 'utf8')).not.toContain('supervisor');
  });

  it('a Python that is missing is named', async () => {
    const source = `
import grpc, json
import fal
from fal.sdk import MachineRequirements
@fal.function(machine_type="XS")
def nothing():
    pass
with nothing.host._connection as connection:
    environment = connection.define_environment("virtualenv", python_version="3.99", requirements=[])
    try:
        requirements = MachineRequirements(machine_types=["XS"])
        for _ in connection.build_environment([environment], machine_requirements=requirements):
            pass
    except grpc.RpcError as error:
        print(json.dumps([error.code().name, error.details()]))
`;
    const answer = await project.pythonJson(source);
    expect(answer).toEqual(['INVALID_ARGUMENT', expect.stringContaining('3.99')]);
    expectNoStackTrace(String(answer));
  });
});

describe('on the command line', () => {
  it('a port in use is named, with a next step', async () => {
    const taken = String(emulator.ports.api);
    const { code, stdout, stderr } = await minifal('start', '--port', taken, '--data', `${project.folder}/other`);
    expect(code).toBe(1);
    expect(stdout + stderr).toContain(taken);
    expectNoStackTrace(stdout + stderr);
  });

  it('a second start on the same data folder joins the first', async () => {
    const { code, stdout, stderr } = await minifal('start', '--port', '0', '--data', emulator.dataDir);
    expect(code, stderr).toBe(0);
    expect(stdout).toContain(String(emulator.ports.api));
  });

  it.each([
    ['an unknown command', ['fly']],
    ['an unknown option', ['start', '--fast']],
    ['a port that is none', ['start', '--port', 'http']],
    ['a time scale below real time', ['start', '--time-scale', '0.5']],
    ['a time scale without end', ['start', '--time-scale', 'Infinity']],
    ['room for no runner', ['start', '--max-runners', '0']],
    ['room for half a runner', ['start', '--max-runners', '1.5']],
    ['no GPU slot', ['start', '--gpu-slots', '0']],
    ['GPU slots that are no number', ['start', '--gpu-slots', 'all']],
    ['an unknown isolation', ['start', '--isolation', 'some']],
    ['a shared folder that is none', ['start', '--share', '/nonexistent/models']],
    ['an unknown way to share models', ['start', '--hugging-face', 'all']],
    ['an emulator that does not run', ['env', '--data', '/nonexistent/minifal']],
    ['a data folder that cannot be made', ['start', '--port', '0', '--data', '/dev/null/minifal']],
  ])('%s is reported in a sentence', async (_name, args) => {
    const { code, stdout, stderr } = await minifal(...args);
    expect(code).toBe(1);
    expect(stdout).toBe('');
    // The problem, and the next step.
    expect(stderr).toMatch(/^minifal: \S.+\n\S.+\n$/);
    expectNoStackTrace(stderr);
  });

  it('an unknown mode of sharing a folder is reported with the known modes', async () => {
    const { stderr } = await minifal('start', '--share', '/etc:rx');
    expect(stderr).toBe(
      "minifal: /etc:rx can't be shared, because it doesn't exist.\n" +
        'Set --share to /etc for reading only, or to /etc:rw for writing, too.\n',
    );
  });

  function minifal(...args: readonly string[]) {
    return run(process.execPath, [minifalCommand, ...args], { timeoutMs: 20_000 });
  }
});

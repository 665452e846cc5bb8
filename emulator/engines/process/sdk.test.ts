import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { createVirtualenvBuilder } from '../../builds/virtualenv/builder.ts';
import { ensureUv } from '../../local/uv/uv.ts';
import { createMask } from '../../telemetry/masking/mask.ts';
import type { Engine, ExceptionReport, RunnerAddress, RunnerSpec } from '../engine.ts';
import { passOf } from '../pass.ts';
import { watch } from '../testing/watch.ts';
import { createProcessEngine } from './process-engine.ts';
import { listeningAddresses } from './testing/processes.ts';
import { runnerSources, specFor, type WorkFolder, workFolder } from './testing/runners.ts';
import type { Virtualenv } from './virtualenv.ts';

/** Environments are installed from the package index first. */
const timeout = 300_000;
const sdk = join(import.meta.dirname, 'testing/sdk');

let work: WorkFolder;
let engine: Engine;
let labels: Server;
let client: Virtualenv;
let environment: Virtualenv;
let withUvloop: Virtualenv;
let pickles: Record<string, string>;
let env: Record<string, string>;

beforeAll(async () => {
  work = workFolder();
  const uv = () => ensureUv({ toolsDir: join(import.meta.dirname, '../../../.tools') });
  const builds = createVirtualenvBuilder({ dataDir: work.root, uv, clock: Date.now, mask: createMask(() => []) });
  const build = async (requirements: string[]): Promise<Virtualenv> => {
    const result = await builds.build(
      { kind: 'virtualenv', configuration: { requirements }, force: false, secretsOf: 'main' },
      () => undefined,
    );
    if (result.kind === 'failed') throw new Error(result.reason);
    return result.environment;
  };
  client = await build(['fal==1.83.0']);
  const printed = z
    .object({ requirements: z.array(z.string()), pickles: z.record(z.string(), z.string()) })
    .parse(
      JSON.parse(execFileSync(client.python, [join(sdk, 'register.py'), join(sdk, 'apps.py'), work.root]).toString()),
    );
  pickles = printed.pickles;
  environment = await build(printed.requirements);
  withUvloop = await build(['uvicorn', 'uvloop']);
  await builds.close();

  // A stand-in for the emulator's api port, without which the SDK's middleware labels nothing.
  labels = new Server();
  const bytes = (value: Buffer) => value;
  labels.addService(
    {
      setMetadata: {
        path: '/Isolate/SetMetadata',
        requestStream: false,
        responseStream: false,
        requestSerialize: bytes,
        requestDeserialize: bytes,
        responseSerialize: bytes,
        responseDeserialize: bytes,
      },
    },
    { setMetadata: (_: unknown, answer: (error: null, value: Buffer) => void) => answer(null, Buffer.alloc(0)) },
  );
  const port = await new Promise<number>((resolve, reject) => {
    labels.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  env = { NOMAD_ALLOC_PORT_grpc: String(port), FAL_KEY: 'id:secret', FAL_HOST: 'localhost:1' };
  engine = createProcessEngine({ dataDir: work.root, runnerSources, emulatorAddresses: ['127.0.0.1'] });
}, timeout);

afterAll(async () => {
  await engine?.close();
  labels?.forceShutdown();
  work?.remove();
}, timeout);

const handles: { kill(): void }[] = [];
afterEach(() => {
  for (const handle of handles.splice(0)) handle.kill();
});

function start(name: string, mode: RunnerSpec<Virtualenv>['mode'] = 'serve') {
  const callable = { kind: 'pickle', method: 'cloudpickle', file: pickles[name] ?? '' } as const;
  const runner = watch(engine, specFor(work, '', { environment, callable, mode, env, appFiles: [] }));
  handles.push(runner.handle);
  return runner;
}

async function post(address: RunnerAddress | null, path: string, name: string, requestId: string) {
  const response = await fetch(`http://${address?.host}:${address?.port}${path}`, {
    method: 'POST',
    headers: [
      ...opening(address),
      ['content-type', 'application/json'],
      ['x-fal-request-id', requestId],
      ['x-fal-endpoint', path],
    ],
    body: JSON.stringify({ name }),
  });
  return { status: response.status, body: z.object({ text: z.string() }).parse(await response.json()) };
}

/** The processes that have the text in their arguments or in their initial environment. */
function processesWith(text: string): readonly string[] {
  const holds = (path: string): boolean => {
    try {
      return readFileSync(path, 'latin1').includes(text);
    } catch {
      return false;
    }
  };
  const pids = process.platform === 'linux' ? readdirSync('/proc').filter((name) => /^\d+$/.test(name)) : [];
  return pids.filter((pid) => ['cmdline', 'environ'].some((what) => holds(`/proc/${pid}/${what}`)));
}

function opening(address: RunnerAddress | null) {
  return passOf(address ?? { host: '', port: 0 }).map(([name, value]): [string, string] => [name, value]);
}

async function outcome(name: string) {
  const runner = start(name, 'call');
  await runner.ready;
  runner.handle.call();
  const result = await runner.result;
  if (result.kind === 'refused') return result;
  return JSON.parse(
    execFileSync(client.python, [join(sdk, 'receive.py')], { input: JSON.stringify(result) }).toString(),
  );
}

describe('an app of the real SDK, from the bytes that its CLI registers', { timeout }, () => {
  it('serves two requests at once and attributes each line to its request', async () => {
    const runner = start('Talker');
    const address = await runner.ready;
    const answers = await Promise.all(['ada', 'bob'].map((name) => post(address, '/', name, `request-of-${name}`)));
    expect(answers.map((answer) => answer.body.text)).toEqual(['hello ada', 'hello bob']);
    for (const name of ['ada', 'bob']) {
      await runner.line(new RegExp(`^end ${name}`));
      const own = runner.lines.filter((line) => line.requestId === `request-of-${name}`);
      expect(own.filter((line) => /^(begin|end)/.test(line.text)).map((line) => line.text)).toEqual([
        `begin ${name}`,
        `end ${name}`,
      ]);
      expect(own[0]?.endpoint).toBe('/');
    }
  });

  it('says where its lines are printed, and which are of its web server, while that is wanted', async () => {
    engine.wantPlaces(true);
    const runner = start('Talker');
    await Promise.all(['ada', 'bob'].map(async (name) => post(await runner.ready, '/', name, name)));
    await runner.handle.flushLines();
    engine.wantPlaces(false);
    const file = join(sdk, 'apps.py');
    const numberOf = (code: string) =>
      readFileSync(file, 'utf8')
        .split('\n')
        .findIndex((line) => line.includes(code)) + 1;
    const printed = runner.lines.filter(({ text }) => /^(begin|end|setup ran)/.test(text));
    expect(new Set(printed.map(({ place }) => `${place?.file}:${place?.line}`))).toEqual(
      new Set(['print("begin"', 'print("end"', 'print("setup ran'].map((code) => `${file}:${numberOf(code)}`)),
    );
    const ofServer = runner.lines.filter(({ isServer }) => isServer).map(({ text }) => text);
    expect(ofServer).toEqual(runner.lines.map(({ text }) => text).filter((text) => /^INFO: /.test(text)));
    expect(ofServer.filter((text) => /POST \/ HTTP/.test(text))).toHaveLength(2);
    expect(runner.lines.filter(({ isServer, place }) => isServer && place)).toEqual([]);
  });

  it('of 2025, which sends labels to the platform only, attributes each line to its request, too', async () => {
    const app = `
import os, sys, threading, grpc
from isolate.server import definitions
def main():
    stub = definitions.IsolateStub(grpc.insecure_channel("localhost:" + os.environ["NOMAD_ALLOC_PORT_grpc"]))
    def label(labels):
        metadata = definitions.TaskMetadata(logger_labels=labels)
        stub.SetMetadata(definitions.SetMetadataRequest(task_id="RUN", metadata=metadata))
    def serve(name):
        label({"fal_request_id": name})
        sys.stdout.write(f"in {name}\\n")
        label({})
        # While the other one is alone, what nobody labels is its.
        both.wait()
        sys.stdout.write(f"after {name}\\n")
    both = threading.Barrier(2)
    threads = [threading.Thread(target=serve, args=(name,)) for name in ("ada", "bob")]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
`;
    const runner = watch(engine, specFor(work, app, { environment, env }));
    expect(await runner.exited).toMatchObject({ code: 0 });
    const printed = runner.lines.map(({ text, requestId }) => `${text}: ${requestId}`);
    expect(printed.toSorted()).toEqual(['after ada: undefined', 'after bob: undefined', 'in ada: ada', 'in bob: bob']);
  });

  it('attributes lines of threads, pools, child processes and native code to the only request', async () => {
    const app = `
import asyncio, concurrent.futures, os, subprocess, sys, threading
import grpc.aio
from isolate.server import definitions

def talk(name):
    print("plain", name)
    thread = threading.Thread(target=print, args=("thread", name))
    thread.start()
    thread.join()
    with concurrent.futures.ThreadPoolExecutor(2) as pool: list(pool.map(print, [f"pool {name}"]))
    subprocess.run(["sh", "-c", f"echo child {name}; echo child error {name} >&2"], check=True)
    os.write(2, f"native {name}\\n".encode())
    os.write(1, f"no newline {name}".encode())

async def request(stub, name, body):
    def label(labels):
        metadata = definitions.TaskMetadata(logger_labels=labels)
        return stub.SetMetadata(definitions.SetMetadataRequest(task_id="RUN", metadata=metadata))
    await label({"fal_request_id": name, "fal_endpoint": "/" + name})
    await body()
    await label({})

async def serve():
    async with grpc.aio.insecure_channel("localhost:" + os.environ["NOMAD_ALLOC_PORT_grpc"]) as channel:
        stub = definitions.IsolateStub(channel)
        def start(name, body): return asyncio.create_task(request(stub, name, body))
        async def alone(): talk("alone")
        await start("one", alone)
        os.write(1, b"between\\n")
        async def crowded(): talk("crowded")
        async def outer(): await start("three", crowded)
        await start("two", outer)
        begun = asyncio.Event()
        async def leave():
            begun.set()
            await asyncio.Event().wait()
        gone = start("gone", leave)
        await begun.wait()
        gone.cancel()
        await asyncio.wait([gone])
        async def after(): talk("after")
        await start("four", after)

def main(): asyncio.run(serve())
`;
    const runner = watch(engine, specFor(work, app, { environment, env }));
    expect(await runner.exited).toMatchObject({ code: 0 });
    const kinds = ['plain', 'thread', 'pool', 'child', 'child error', 'native', 'no newline'];
    const of = (name: string) =>
      Object.fromEntries(
        kinds.map((kind) => [kind, runner.lines.find(({ text }) => text === `${kind} ${name}`)?.requestId ?? null]),
      );
    const all = (id: string | null) => Object.fromEntries(kinds.map((kind) => [kind, id]));
    expect(of('alone')).toEqual(all('one'));
    expect(of('after')).toEqual(all('four'));
    // The request of these lines is unknown, except for what the request itself printed.
    expect(of('crowded')).toEqual({ ...all(null), plain: 'three' });
    expect(runner.lines.find(({ text }) => text === 'between')).not.toHaveProperty('requestId');
    expect(runner.lines.find(({ text }) => text === 'native alone')?.endpoint).toBe('/one');
  });

  it('listens on loopback only, metrics included, and logs no line about our health checks', async () => {
    const runner = start('Talker');
    const address = await runner.ready;
    expect(await runner.handle.probe(5)).toBe(true);
    await runner.handle.flushLines();
    expect(runner.lines.filter((line) => line.text.includes('/health'))).toEqual([]);
    const pid = Number((await runner.line(/^setup ran/)).text.split(' ').at(-1));
    expect(listeningAddresses(pid)).toEqual([address?.host]);
  });

  it('answers only the emulator, whatever the request, and web pages cannot read its answers', async () => {
    const runner = start('Talker');
    const address = await runner.ready;
    const metrics = Number((await runner.line(/^metrics port/)).text.split(' ').at(-1));
    const secret = address?.secret ?? '';
    expect(secret).toMatch(/^[0-9a-f]{64}$/);
    const page = { origin: 'http://evil.example', 'content-type': 'application/json' };
    const preflight = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' };
    const attempts: [string, { method?: string; headers?: Record<string, string>; body?: string }][] = [
      ['/', { method: 'POST', headers: page, body: '{}' }],
      ['/', { method: 'OPTIONS', headers: { ...page, ...preflight } }],
      ['/', { method: 'POST', headers: { ...page, 'x-minifal-runner': '' }, body: '{}' }],
      ['/', { method: 'POST', headers: { ...page, 'x-minifal-runner': 'f'.repeat(64) }, body: '{}' }],
      ['/', { method: 'POST', headers: { ...page, 'x-minifal-runner': secret.slice(1) }, body: '{}' }],
      ['/', { method: 'POST', headers: { ...page, 'x-minifal': secret }, body: '{}' }],
      ['/', { method: 'POST', headers: { ...page, 'x-forwarded-for': '127.0.0.1' }, body: '{}' }],
      ...['/openapi.json', '/health', '/docs', '/metrics', '/none'].map((path): [string, object] => [path, {}]),
      ...['/openapi.json', '/health'].map((path): [string, object] => [path, { headers: page }]),
    ];
    for (const port of [address?.port, metrics]) {
      for (const [path, about] of attempts) {
        const answer = await fetch(`http://${address?.host}:${port}${path}`, about);
        const cors = [...answer.headers.keys()].filter((name) => name.startsWith('access-control'));
        expect([path, about, answer.status, cors, await answer.text()]).toEqual([path, about, 403, [], '']);
      }
    }
    const dial = (headers: Record<string, string>) =>
      new Promise((resolve) => {
        const socket = new WebSocket(`ws://${address?.host}:${address?.port}/realtime`, { headers });
        socket.on('open', () => resolve('open')).on('error', (error) => resolve(error.message));
        socket.on('open', () => socket.terminate());
      });
    for (const headers of [{}, { origin: 'http://evil.example' }, { 'x-minifal-runner': 'no' }]) {
      expect([headers, await dial(headers)]).toEqual([headers, 'Unexpected server response: 403']);
    }
    expect(await dial({ 'x-minifal-runner': secret })).toBe('open');
    expect((await fetch(`http://${address?.host}:${metrics}/metrics`, { headers: opening(address) })).status).toBe(200);
    const shown = (await post(address, '/headers', 'x', 'r')).body.text;
    expect(shown).toContain('content-type');
    expect(shown).not.toContain('x-minifal');
    expect(shown).not.toContain(secret);
    expect(processesWith(secret)).toEqual([]);
    const text = runner.lines.map((line) => line.text).join('\n');
    expect(text).not.toContain(secret);
    expect(text).not.toContain('begin');
    // Not even the server's own lines: a web page could fill the log with them.
    expect(text).not.toMatch(/\b403\b|rejected/);
  });

  it.skipIf(process.platform !== 'linux')('may call its own port', async () => {
    const address = await start('Talker').ready;
    expect((await post(address, '/calls-itself', 'x', 'r')).body.text).toBe('200 200 200 200');
  });

  it('finishes its request after SIGTERM, tears down, and ends cleanly', async () => {
    const runner = start('Talker');
    const answer = post(await runner.ready, '/until-signal', 'x', 'r');
    await runner.line(/waiting for the signal/);
    runner.handle.terminate();
    expect((await answer).body.text).toBe('asked to leave: True');
    expect(await runner.exited).toMatchObject({
      signal: 'SIGTERM',
      reason: 'The runner ended by SIGTERM, as requested.',
    });
    expect(runner.lines.map((line) => line.text)).toContain('teardown ran');
  });

  it('may download from the address of the emulator by the toolkit, and from no other loopback address', async () => {
    const files = createServer((_, response) => response.end('stored'));
    await new Promise<void>((resolve) => files.listen(0, '0.0.0.0', resolve));
    const { port } = files.address() as AddressInfo;
    const address = await start('Talker').ready;
    const ours = await post(address, '/download', `http://127.0.0.1:${port}/a.txt`, 'r');
    const other = await post(address, '/download', `http://127.0.0.2:${port}/a.txt`, 'r');
    files.close();
    expect(ours.body.text).toBe('stored True');
    expect(other.body.text).toMatch(/non-routable address.* True$/);
  });

  it('whose setup raises ends before it is ready, with its traceback in the log', async () => {
    const runner = start('Failing');
    expect((await runner.exited).reason).toMatch(/before it was ready.*RuntimeError: no weights here/);
    expect(runner.lines.map((line) => line.text).join('\n')).toContain('RuntimeError: no weights here');
    expect(runner.order).toEqual(['started', 'exited']);
  });

  it('serves a function', async () => {
    expect((await post(await start('served').ready, '/', 'eve', 'r')).body.text).toBe('served eve');
  });

  it('runs a server on a fixed port twice in parallel', async () => {
    const [one, two] = [start('brought'), start('brought')];
    expect((await one.ready)?.port).not.toBe((await two.ready)?.port);
  });
});

describe('a function of the real SDK', { timeout }, () => {
  it('returns its value to the client', async () => {
    expect(await outcome('divide')).toEqual({ value: { quotient: 2 } });
  });

  it("returns its exception to the client, with the user's cause, its own cause and frames", async () => {
    expect(await outcome('divide-by-zero')).toEqual({
      raised: 'UserFunctionException',
      frames: expect.arrayContaining(['divide']),
      cause: 'OwnError: own words',
      causeOfCause: 'ZeroDivisionError',
      causeFrames: ['divide'],
    });
  });

  it('whose result cannot be pickled is refused', async () => {
    expect(await outcome('unpicklable')).toMatchObject({ kind: 'refused' });
  });
});

describe('an exception of an app of the real SDK', { timeout }, () => {
  const source = join(sdk, 'apps.py');
  const lines = readFileSync(source, 'utf8').split('\n');
  /** The number of the line that says so in a comment. */
  const raisedIn = (name: string) => lines.findIndex((line) => line.endsWith(`# raises in ${name}`)) + 1;
  const own = ({ exception }: ExceptionReport) => exception.frames.filter(({ isApp }) => isApp);
  // uvicorn closes a connection after an exception, but only once the response has been sent: none is used twice.
  const call = (address: RunnerAddress | null, path: string, requestId: string) =>
    fetch(`http://${address?.host}:${address?.port}${path}`, {
      method: 'POST',
      headers: [
        ...opening(address),
        ['connection', 'close'],
        ['content-type', 'application/json'],
        ['x-fal-request-id', requestId],
      ],
      body: '{"name": "nobody"}',
    });

  it.each([
    ['/', 'KeyError', "'nobody'", 'Faulty.look_up'],
    ['/async', 'OwnError', 'id:secret', 'Faulty.wait'],
    ['/output', 'pydantic_core._pydantic_core.ValidationError', '1 validation error for Output', 'Faulty.wrong_output'],
  ])('in a request is reported once, with its place, and the answer stays as it is: %s', async (path, ...expected) => {
    const runner = start('Faulty');
    const response = await call(await runner.ready, path, 'one');
    expect([response.status, await response.json()]).toEqual([500, { detail: 'Internal Server Error' }]);
    await runner.handle.flushLines();
    const [type, message, name] = expected;
    expect(runner.exceptions).toMatchObject([{ requestId: 'one', exception: { type, phase: 'request' } }]);
    const [report = expect.fail()] = runner.exceptions;
    expect(report.exception.message).toContain(message);
    expect(own(report).at(-1)).toEqual({
      file: source,
      line: raisedIn(name.slice('Faulty.'.length)),
      function: name,
      isApp: true,
    });
    const printed = runner.lines.map(({ text }) => text).join('\n');
    expect(printed).toContain('{"traceback"');
    expect(printed).not.toContain('inside/exceptions.py');
  });

  it('of a stream that has begun is reported, and an intended one is not', async () => {
    const runner = start('Faulty');
    const address = await runner.ready;
    expect((await call(address, '/refused', 'refused')).status).toBe(418);
    expect((await call(address, '/nowhere', 'nowhere')).status).toBe(404);
    const response = await call(address, '/stream', 'two');
    expect(response.status).toBe(200);
    await response.text().catch(() => '');
    await runner.handle.flushLines();
    expect(runner.exceptions).toMatchObject([
      { requestId: 'two', exception: { type: 'OwnError', message: 'after the first piece', phase: 'request' } },
    ]);
    expect(runner.exceptions.flatMap(own).at(-1)?.line).toBe(raisedIn('pieces'));
  });

  it('of each of two requests at once, and of one after the other, is reported with its request', async () => {
    const runner = start('Faulty');
    const address = await runner.ready;
    await Promise.all(['a', 'b'].map((id) => call(address, '/', id)));
    for (const id of ['c', 'd', 'e']) await call(address, '/', id);
    await runner.handle.flushLines();
    expect(runner.exceptions.map(({ requestId }) => requestId).toSorted()).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('in setup() is reported, and the reason names its line', async () => {
    const runner = start('Failing');
    const { reason } = await runner.exited;
    const line = lines.findIndex((text) => text.includes('no weights here')) + 1;
    expect(runner.exceptions).toMatchObject([
      { requestId: null, exception: { type: 'RuntimeError', message: 'no weights here', phase: 'setup' } },
    ]);
    expect(runner.exceptions.flatMap(own).at(-1)).toMatchObject({ file: source, line, function: 'Failing.setup' });
    expect(reason).toContain(`no weights here (${source}, line ${line})`);
  });

  it('of an application without the functions of Starlette is reported from the log of its server', async () => {
    const app = `
import uvicorn
async def answer(scope, receive, send):
    if scope["type"] == "http" and scope["path"] == "/fail":
        raise LookupError("nothing here")
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})
def main():
    uvicorn.run(answer, host="0.0.0.0", port=8080)`;
    const runner = watch(engine, specFor(work, app, { environment: withUvloop }));
    handles.push(runner.handle);
    expect((await call(await runner.ready, '/fail', 'q')).status).toBe(500);
    await runner.handle.flushLines();
    expect(runner.exceptions).toMatchObject([{ exception: { type: 'LookupError', message: 'nothing here' } }]);
    expect(runner.exceptions.flatMap(own)).toEqual([
      { file: expect.stringMatching(/app_under_test\.py$/), line: 5, function: 'answer', isApp: true },
    ]);
  });

  it.each([
    ['in its imports', 'import no_such_module\ndef main(): ...', 'ModuleNotFoundError', 1],
    ['in its syntax', 'def main():\n    return (\n', 'SyntaxError', 2],
  ])('%s is reported, and the reason names its line', async (_, app, type, line) => {
    const runner = watch(engine, specFor(work, app, { environment: withUvloop }));
    const { reason } = await runner.exited;
    expect(runner.exceptions).toMatchObject([{ exception: { type, phase: 'import' } }]);
    expect(own(runner.exceptions[0] ?? expect.fail()).at(-1)).toMatchObject({ line });
    expect(reason).toMatch(new RegExp(`app_under_test\\.py, line ${line}\\)$`));
  });

  it('for a module that is missing is reported without a line: no code of the app ran', async () => {
    const runner = start('needy');
    const { reason } = await runner.exited;
    expect(runner.exceptions).toMatchObject([{ exception: { type: 'ModuleNotFoundError', phase: 'import' } }]);
    expect(runner.exceptions.flatMap(own)).toEqual([]);
    expect(reason).toMatch(/No module named 'rich'$/);
  });

  it('of a function is reported as the one that the user raised', async () => {
    const runner = start('divide-by-zero', 'call');
    await runner.ready;
    runner.handle.call();
    await runner.result;
    expect(runner.exceptions).toMatchObject([{ exception: { type: 'OwnError', phase: 'request' } }]);
    expect(runner.exceptions.flatMap(own).at(-1)).toMatchObject({ file: source, function: 'divide' });
  });
});

describe('a server that stops after a number of requests', { timeout }, () => {
  const app = `
import uvicorn
async def answer(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})
def main():
    uvicorn.run(answer, host="0.0.0.0", port=8080, limit_max_requests=2)`;

  it('does not count or log health checks, and is done after that number, even if it is then ended', async () => {
    const runner = watch(engine, specFor(work, app, { environment: withUvloop }));
    handles.push(runner.handle);
    const address = await runner.ready;
    for (const _ of [1, 2, 3]) expect(await runner.handle.probe(5)).toBe(true);
    for (const _ of [1, 2]) {
      const answer = await fetch(`http://${address?.host}:${address?.port}/called`, {
        headers: [...opening(address), ['connection', 'close']],
      });
      expect(await answer.text()).toBe('ok');
    }
    await runner.line(/Maximum request limit of 2 exceeded/);
    runner.handle.terminate();
    expect(await runner.exited).toMatchObject({ done: true });
    const text = runner.lines.map((line) => line.text).join('\n');
    expect(text.match(/GET \/called/g)).toHaveLength(2);
    expect(text).not.toContain('/health');
  });
});

describe('a server on uvloop', { timeout }, () => {
  it.skipIf(process.platform !== 'linux')('may call its own port past the sockets of Python', async () => {
    const app = `
import asyncio, uvicorn
async def call_itself():
    reader, writer = await asyncio.open_connection("localhost", 8080)
    writer.write(b"GET /inner HTTP/1.0\\r\\n\\r\\n")
    return await reader.read()
async def answer(scope, receive, send):
    if scope["type"] == "http":
        body = b"inner" if scope["path"] == "/inner" else await call_itself()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})
def main():
    uvicorn.run(answer, host="0.0.0.0", port=8080)`;
    const runner = watch(engine, specFor(work, app, { environment: withUvloop }));
    handles.push(runner.handle);
    const address = await runner.ready;
    const answer = await fetch(`http://${address?.host}:${address?.port}/`, { headers: opening(address) });
    expect(await answer.text()).toMatch(/200 OK(.|\s)*inner$/);
  });

  it('is kept on loopback and gets its port moved though it binds past the sockets of Python', async () => {
    const app = `
import uvicorn
async def answer(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": type(asyncio.get_running_loop()).__module__.encode()})
import asyncio, os
def main():
    print("pid", os.getpid())
    uvicorn.run(answer, host="0.0.0.0", port=8080)`;
    const runner = watch(engine, specFor(work, app, { environment: withUvloop }));
    handles.push(runner.handle);
    const address = await runner.ready;
    const url = `http://${address?.host}:${address?.port}/`;
    expect(await (await fetch(url, { headers: opening(address) })).text()).toBe('uvloop');
    expect((await fetch(url)).status).toBe(403);
    expect(listeningAddresses(Number((await runner.line(/^pid/)).text.slice(4)))).toEqual([address?.host]);
  });
});

import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { z } from 'zod';
import type { RunnerAddress } from '../../../engine.ts';
import { watch } from '../../../testing/watch.ts';
import { listeningAddresses } from '../../testing/processes.ts';
import { specFor } from '../../testing/runners.ts';
import { engine, env, environment, opening, sdk, start, timeout, work } from './bed.ts';

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

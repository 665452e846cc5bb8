import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { z } from 'zod';
import { loadServices } from '../../emulator/wire/services.ts';
import { type Status, statusSchema } from '../../emulator/wire/status.ts';
import { type Emulator, minifalCommand, startEmulator } from '../support/emulator.ts';
import { type FalServer, startFalServer } from '../support/fal-server.ts';
import { call, owner, submit } from '../support/http.ts';
import { mustRun } from '../support/process.ts';
import { createProject, lastJson, type Project } from '../support/project.ts';
import { pythonTools } from '../support/python.ts';
import { until } from '../support/wait.ts';

/**
 * Platform seconds per real second: a minute of keep_alive takes a second here, but the apps' own work takes real time.
 */
const timeScale = 60;

/**
 * Apps that files in a folder control: `Name.hold` keeps setup() waiting, `Name.broken` makes setup() of the revision
 * in the file fail, `Name.busy` keeps a request running, and so on.
 */
const source = (control: string) => `
import os
import pathlib
import time

import fal
from fastapi import Response
from pydantic import BaseModel

CONTROL = pathlib.Path(${JSON.stringify(control)})


class Input(BaseModel):
    busy: bool = False
    status: int = 200
    headers: dict[str, str] = {}


class Output(BaseModel):
    runner: str
    revision: str


class Obedient(fal.App, keep_alive=36000, max_concurrency=1):
    machine_type = "XS"
    # For Response, whose validators do not survive the pickle by value.

    def is_set(self, what):
        return (CONTROL / f"{type(self).__name__}.{what}").exists()

    def note(self, what):
        with open(CONTROL / f"{type(self).__name__}.{what}", "a") as file:
            file.write(os.environ["FAL_JOB_ID"] + "\\n")

    def setup(self):
        self.note("setups")
        while self.is_set("hold"):
            time.sleep(0.02)
        broken = CONTROL / f"{type(self).__name__}.broken"
        if self.is_set("broken") and broken.read_text() == os.environ["FAL_APP_ID"]:
            raise RuntimeError("broken on purpose")

    def teardown(self):
        while self.is_set("cling"):
            time.sleep(0.02)
        self.note("teardowns")

    @fal.endpoint("/")
    def answer(self, input: Input, response: Response) -> Output:
        while input.busy and self.is_set("busy"):
            time.sleep(0.02)
        response.status_code = input.status
        response.headers.update(input.headers)
        return Output(runner=os.environ["FAL_JOB_ID"], revision=os.environ["FAL_APP_ID"])


class Steady(Obedient, keep_alive=36000, max_concurrency=1):
    pass


class Brief(Obedient, keep_alive=120, max_concurrency=1):
    pass


class Fragile(Obedient, keep_alive=36000, max_concurrency=2):
    def setup(self):
        try:
            with open(CONTROL / "Fragile.first", "x") as file:
                file.write(os.environ["FAL_JOB_ID"])
        except FileExistsError:
            if self.is_set("broken"):
                raise RuntimeError("broken on purpose")
        else:
            while self.is_set("hold"):
                time.sleep(0.02)


class Stubborn(Obedient, keep_alive=36000, max_concurrency=1, termination_grace_period_seconds=2):
    pass


class Pair(Obedient, keep_alive=36000, max_concurrency=2, max_multiplexing=2):
    pass


class Hasty(Obedient, keep_alive=36000, max_concurrency=1, request_timeout=2):
    pass


class Checked(Obedient, keep_alive=36000, max_concurrency=1, min_concurrency=1, startup_timeout=10):
    @fal.endpoint(
        "/alive",
        health_check=fal.HealthCheck(start_period_seconds=1, timeout_seconds=2, failure_threshold=3),
    )
    def alive(self, response: Response) -> dict:
        self.note("sick-checks" if self.is_set("sick") else "checks")
        response.status_code = 500 if self.is_set("sick") else 200
        return {}


class OnDemand(Obedient, keep_alive=36000, max_concurrency=1):
    @fal.endpoint("/alive", health_check=fal.HealthCheck(call_regularly=False))
    def alive(self, response: Response) -> dict:
        self.note("checks")
        response.status_code = 500 if self.is_set("sick") else 200
        return {}


@fal.function(machine_type="XS", exposed_port=8080, requirements=["uvicorn"], keep_alive=36000, max_concurrency=1)
def deaf():
    import os
    import socket
    import time

    server = socket.create_server(("0.0.0.0", 8080))
    while True:
        connection, _ = server.accept()
        request = connection.recv(65536)
        if request.startswith(b"POST"):
            break
        connection.sendall(b"HTTP/1.1 404 Not Found\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n")
        connection.close()
    server.close()
    body = os.environ["FAL_JOB_ID"].encode()
    head = f"HTTP/1.1 502 Bad Gateway\\r\\nContent-Length: {len(body)}\\r\\nConnection: close\\r\\n\\r\\n"
    connection.sendall(head.encode() + body)
    connection.close()
    time.sleep(100000)


@fal.function(machine_type="XS", exposed_port=8080, requirements=["uvicorn"], keep_alive=36000, max_concurrency=1)
def finite():
    import asyncio
    import os
    import uvicorn

    async def app(scope, receive, send):
        if scope["type"] != "http":
            return
        await asyncio.sleep(0.1)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": os.environ["FAL_JOB_ID"].encode()})

    uvicorn.run(app, host="0.0.0.0", port=8080, limit_max_requests=3, lifespan="off")
`;

// Calls wait for runners without a limit; if a runner never starts, this limit fails the test early.
vi.setConfig({ testTimeout: 90_000 });

let emulator: Emulator;
let project: Project;
let account: string;
let line: FalServer;
/** For a long-running command. */
let besides: FalServer;
let control: string;

beforeAll(async () => {
  const tools = await pythonTools();
  control = await mkdtemp(join(tmpdir(), 'minifal-control-'));
  emulator = await startEmulator({ args: ['--time-scale', String(timeScale), '--share', `${control}:rw`] });
  project = await createProject(tools, emulator, { 'life.py': source(control) });
  account = await owner(emulator);
  line = startFalServer(tools, emulator.env, project.folder);
  besides = startFalServer(tools, emulator.env, project.folder);
  await deploy('Steady');
});
afterAll(async () => {
  line?.close();
  besides?.close();
  await project?.remove();
  await emulator?.stop();
  await rm(control, { recursive: true, force: true });
});

afterEach(async () => {
  // Remains of a failed test would fail the next ones.
  for (const file of await readdir(control)) {
    if (/\.(hold|busy|sick|cling)$/.test(file)) await rm(join(control, file));
  }
});

/** Runs a command that must succeed. Returns its stdout. */
async function fal(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await line.fal(args);
  if (code === 0) return stdout;
  throw new Error(`fal ${args.join(' ')} ended with ${code}:\n${stdout}${stderr}`);
}

const deployed = z.object({ revision: z.string(), status: z.string() });
/** Deploys the class under its lower-case name. Returns the new revision. */
async function deploy(name: string, ...flags: readonly string[]): Promise<string> {
  const args = ['deploy', `life.py::${name}`, '--app-name', name.toLowerCase(), '--yes', '--json', ...flags];
  return deployed.parse(lastJson(await fal(...args))).revision;
}

const setFlag = (name: string, what: string, text = '') => writeFile(join(control, `${name}.${what}`), text);
const clearFlag = (name: string, what: string) => rm(join(control, `${name}.${what}`));
async function notes(name: string, what: string): Promise<readonly string[]> {
  const file = join(control, `${name}.${what}`);
  return existsSync(file) ? (await readFile(file, 'utf8')).trim().split('\n') : [];
}

const minifalStatus = () => mustRun(process.execPath, [minifalCommand, 'status', '--data', emulator.dataDir]);

type Runner = Status['runners'][number];
async function status(): Promise<Status> {
  return statusSchema.parse(await (await call(emulator, 'api', '/minifal/status')).json());
}
/** The app's runners, including ended ones, oldest first. */
async function runners(name: string): Promise<readonly Runner[]> {
  return (await status()).runners.filter(({ alias }) => alias === name.toLowerCase()).toReversed();
}
async function runner(id: string): Promise<Runner> {
  const found = (await status()).runners.find((one) => one.id === id);
  if (!found) throw new Error(`there is no runner ${id}`);
  return found;
}
function untilState(id: string, state: string): Promise<Runner> {
  return until(`runner ${id} is ${state}`, async () => {
    const found = await runner(id);
    return found.state === state && found;
  });
}
/** When and why the runner last entered a state. */
function entry(of: Runner, state: string) {
  const found = of.transitions.findLast((one) => one.state === state);
  if (!found) throw new Error(`runner ${of.id} was never ${state}: ${JSON.stringify(of.transitions)}`);
  return found;
}

const answered = z.object({ runner: z.string(), revision: z.string() });
type Answered = z.infer<typeof answered>;
async function ask(name: string, input: object = {}): Promise<Answered> {
  const response = await call(emulator, 'run', `/${account}/${name.toLowerCase()}`, { body: input });
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.status} ${text}`);
  return answered.parse(JSON.parse(text));
}
async function enqueue(name: string, input: object = {}): Promise<string> {
  const id = await submit(emulator, `${account}/${name.toLowerCase()}`, input);
  if (!id) throw new Error('the request was not accepted');
  return id;
}
async function result(name: string, id: string): Promise<Response> {
  const path = `/${account}/${name.toLowerCase()}/requests/${id}`;
  await until(`request ${id} is completed`, async () => {
    const response = await call(emulator, 'queue', `${path}/status`);
    return z.object({ status: z.string() }).parse(await response.json()).status === 'COMPLETED';
  });
  return call(emulator, 'queue', path);
}

/** The answer of ListAliases, which no command shows. */
async function isRolling(): Promise<boolean> {
  const { path, requestSerialize, responseDeserialize } = loadServices().controller.ListAliases ?? {};
  if (!path || !requestSerialize || !responseDeserialize) throw new Error('there is no ListAliases');
  const client = new Client(`localhost:${emulator.ports.api}`, credentials.createInsecure());
  const [id = '', secret = ''] = emulator.variables.FAL_KEY?.split(':') ?? [];
  const key = Metadata.fromHttp2Headers({ 'auth-key-id': id, 'auth-key': secret });
  const reply = await new Promise<unknown>((resolve, reject) =>
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, {}, key, (error, value) =>
      error ? reject(error) : resolve(value),
    ),
  );
  client.close();
  const { aliases } = z
    .object({ aliases: z.array(z.object({ alias: z.string(), is_rolling: z.boolean() })) })
    .parse(reply);
  return aliases.some(({ alias, is_rolling }) => alias === 'steady' && is_rolling);
}

const listed = z.object({ runners: z.array(z.looseObject({ runner_id: z.string(), state: z.string() })) });
/** As `fal runners list` shows them. */
async function list(...flags: readonly string[]) {
  return listed.parse(lastJson(await fal('runners', 'list', '--json', ...flags))).runners;
}

it('shows the time scale wherever it shows a time', async () => {
  expect(emulator.logText()).toContain(`Time scale x${timeScale}: `);
  expect(await minifalStatus()).toContain(`time scale x${timeScale}: `);
  expect((await status()).timeScale).toBe(timeScale);
});

describe('starting', () => {
  it('is delayed longer after each failure; a runner that becomes ready wakes the others', async () => {
    await setFlag('Fragile', 'hold');
    await setFlag('Fragile', 'broken');
    const broken = await deploy('Fragile');
    const requests = [await enqueue('Fragile'), await enqueue('Fragile')];
    const shown = await until('fal runners list shows FAILURE_DELAY', async () =>
      (await list()).find(({ state }) => state === 'FAILURE_DELAY' || state === 'CRASH_BACKOFF'),
    );
    expect(shown).toMatchObject({ alias: 'fragile', uptime_seconds: expect.any(Number) });

    await until('minifal status shows it, and for how long', async () =>
      /FAILURE_DELAY for \d+ (s|min) \(x60\)/.test(await minifalStatus()),
    );
    const waiting = await until('four starts have failed', async () => {
      const all = await runners('Fragile');
      return all.filter(({ transitions }) => transitions[0]?.state === 'FAILURE_DELAY').length === 4 && all;
    });
    // The fourth runner waits longest, so the runner whose setup() continues now becomes ready first.
    await clearFlag('Fragile', 'hold');
    const [slow = ''] = await notes('Fragile', 'first');
    const found = await until('it is ready', async () => {
      const one = await runner(slow);
      return one.transitions.some(({ state }) => state === 'IDLE') && one;
    });
    // Of the two that started immediately, the one that failed had not waited.
    const failing = waiting.filter(({ id, transitions }) => id !== slow && transitions[0]?.state === 'FAILURE_DELAY');
    const waits = failing
      .slice(0, 3)
      .map((one) => (entry(one, 'PENDING').at - entry(one, 'FAILURE_DELAY').at) * timeScale);
    expect(waits).toHaveLength(3);
    waits.forEach((ms, n) => {
      expect(ms).toBeGreaterThanOrEqual((n + 1) * 30_000);
    });
    const woken = await until('the runner that waited is woken', async () =>
      (await runners('Fragile')).find(({ transitions }) =>
        transitions.some(({ state, reason }) => state === 'PENDING' && reason === 'Another runner became ready.'),
      ),
    );
    const ready = found.transitions.find(({ state }) => state === 'IDLE')?.at ?? 0;
    expect(Math.abs(entry(woken, 'PENDING').at - ready)).toBeLessThan(100);
    for (const id of requests) expect(answered.parse(await (await result('Fragile', id)).json()).revision).toBe(broken);
  });

  it('starts again without delay after a fixed deploy', async () => {
    const broken = await deploy('Steady', '--strategy', 'recreate');
    await setFlag('Steady', 'broken', broken);
    const id = await enqueue('Steady');
    await until(
      'a second start has failed',
      async () => (await runners('Steady')).filter(({ revision }) => revision === broken).length > 2,
    );
    const fixed = await deploy('Steady', '--strategy', 'recreate');
    expect(answered.parse(await (await result('Steady', id)).json()).revision).toBe(fixed);
    const own = (await runners('Steady')).filter(({ revision }) => revision === fixed);
    expect(own.map(({ transitions }) => transitions[0]?.state)).toEqual(['PENDING']);
  });
});

describe('a runner', () => {
  it('ends keep_alive after its last request; the CLI counts down the real seconds', async () => {
    await deploy('Brief');
    const { runner: id } = await ask('Brief');
    const countdown = (await list()).find((one) => one.runner_id === id)?.expiration_countdown;
    expect(countdown === undefined || (Number(countdown) >= 0 && Number(countdown) <= 2)).toBe(true);
    const ended = await untilState(id, 'TERMINATED');
    expect(entry(ended, 'TERMINATING').reason).toMatch(/^The runner is no longer needed \(keep_alive is over/);
    const idle = entry(ended, 'TERMINATING').at - entry(ended, 'IDLE').at;
    expect(idle * timeScale).toBeGreaterThanOrEqual(120_000);
    expect(await notes('Brief', 'teardowns')).toEqual([id]);
  });

  it('without any request ends after 10 s', async () => {
    const second = await deploy('Brief', '--strategy', 'rolling');
    const unused = (await runners('Brief')).find(({ revision }) => revision === second);
    const ended = await untilState(unused?.id ?? '', 'TERMINATED');
    expect(entry(ended, 'TERMINATING').reason).toBe('The runner got no request.');
    expect((entry(ended, 'TERMINATING').at - entry(ended, 'IDLE').at) * timeScale).toBeGreaterThanOrEqual(10_000);
  });

  it('is replaced after one 503, which reaches the caller, unless x-fal-stop-runner says otherwise', async () => {
    const { runner: first } = await ask('Steady');
    const unavailable = async (headers: object) => {
      const response = await call(emulator, 'run', `/${account}/steady`, { body: { status: 503, headers } });
      return { status: response.status, runner: answered.parse(await response.json()).runner };
    };
    expect(await unavailable({})).toEqual({ status: 503, runner: first });
    const { status: code, runner: second } = await unavailable({ 'x-fal-stop-runner': 'false' });
    expect([code, second === first]).toEqual([503, false]);
    expect((await ask('Steady', { headers: { 'x-fal-stop-runner': 'true' } })).runner).toBe(second);
    expect((await ask('Steady')).runner).not.toBe(second);
    for (const id of [first, second]) {
      expect(entry(await runner(id), 'TERMINATING').reason).toBe('The runner answered 503 or asked to be stopped.');
    }
  });

  it('shows the reason for its end to commands that run in it', async () => {
    await deploy('Steady');
    const { runner: id } = await ask('Steady');
    const command = project.startFal('runners', 'exec', id, '--', 'sh', '-c', 'echo there; sleep 1000');
    onTestFinished(() => command.signal('SIGKILL'));
    await until('it runs', () => command.output().includes('there'));
    await project.mustFal('runners', 'kill', id);
    const { code, stderr } = await command.finished;
    expect([code, stderr]).toEqual([
      137,
      expect.stringContaining('[minifal] The runner was killed. This command has ended with its runner.\n'),
    ]);
  });

  it('that is stopped finishes its request while another runner takes new ones, and tears down', async () => {
    const { runner: id } = await ask('Steady');
    await setFlag('Steady', 'busy');
    const running = ask('Steady', { busy: true });
    await untilState(id, 'RUNNING');
    await fal('runners', 'stop', id);
    expect((await runner(id)).state).toBe('DRAINING');
    expect((await ask('Steady')).runner).not.toBe(id);
    await clearFlag('Steady', 'busy');
    expect((await running).runner).toBe(id);
    const ended = await untilState(id, 'TERMINATED');
    expect(ended.transitions.slice(-3).map(({ state }) => state)).toEqual(['DRAINING', 'TERMINATING', 'TERMINATED']);
    expect(await notes('Steady', 'teardowns')).toContain(id);
  });

  it('that is stopped with --replace serves until its replacement is ready', async () => {
    const { runner: id } = await ask('Steady');
    await setFlag('Steady', 'hold');
    await fal('runners', 'stop', id, '--replace');
    const both = await until('the substitute starts', async () => {
      const live = (await list()).filter(({ alias }) => alias === 'steady');
      return live.length === 2 && live;
    });
    expect(both.find((one) => one.runner_id === id)).toMatchObject({ state: 'IDLE', replacement: 'WILL_REPLACE' });
    expect((await ask('Steady')).runner).toBe(id);
    await clearFlag('Steady', 'hold');
    const substitute = both.find((one) => one.runner_id !== id)?.runner_id ?? '';
    await untilState(id, 'TERMINATED');
    expect(entry(await runner(id), 'TERMINATING').at).toBeGreaterThanOrEqual(
      entry(await runner(substitute), 'IDLE').at,
    );
  });

  it('that is killed loses its requests: a direct caller gets an error, a queued request another runner', async () => {
    const { runner: id } = await ask('Steady');
    await setFlag('Steady', 'busy');
    const direct = call(emulator, 'run', `/${account}/steady`, { body: { busy: true } });
    await untilState(id, 'RUNNING');
    await fal('runners', 'kill', id);
    const answer = await direct;
    expect([answer.status, answer.headers.get('x-fal-error-type')]).toEqual([503, 'runner_disconnected']);
    expect((await runner(id)).transitions.slice(-2).map(({ state }) => state)).toEqual(['RUNNING', 'TERMINATED']);

    const queued = await enqueue('Steady', { busy: true });
    const second = await until('it runs', async () =>
      (await runners('Steady')).find(({ requests }) => requests[0] === queued),
    );
    await fal('runners', 'kill', second.id);
    await clearFlag('Steady', 'busy');
    expect(answered.parse(await (await result('Steady', queued)).json()).runner).not.toBe(second.id);
  });

  it('that no longer listens is detected after a 502 answer, and replaced', async () => {
    await deploy('deaf');
    const path = `/${account}/deaf`;
    const answer = await call(emulator, 'run', path, { body: {} });
    expect(answer.status).toBe(502);
    const id = await answer.text();
    const ended = await untilState(id, 'TERMINATED');
    expect(entry(ended, 'TERMINATING').reason).toBe('The runner failed its health check.');
    const next = await call(emulator, 'run', path, { body: {} });
    expect([next.status, (await next.text()) === id]).toEqual([502, false]);
  });

  it('may take request_timeout for a request, in real seconds, and ends with it', async () => {
    await deploy('Hasty');
    const { runner: id } = await ask('Hasty');
    await setFlag('Hasty', 'busy');
    const begin = Date.now();
    const answer = await call(emulator, 'run', `/${account}/hasty`, { body: { busy: true } });
    expect([answer.status, answer.headers.get('x-fal-error-type')]).toEqual([504, 'request_timeout']);
    expect(Date.now() - begin).toBeGreaterThanOrEqual(2_000);
    await clearFlag('Hasty', 'busy');
    expect(entry(await untilState(id, 'TERMINATED'), 'TERMINATING').reason).toContain('request_timeout');
  });

  it('has its grace period for teardown(), in real seconds, and is killed after it', async () => {
    await deploy('Stubborn');
    await setFlag('Stubborn', 'cling');
    const { runner: id } = await ask('Stubborn');
    await fal('runners', 'stop', id);
    const ended = await untilState(id, 'TERMINATED');
    const grace = entry(ended, 'TERMINATED').at - entry(ended, 'TERMINATING').at;
    expect(grace).toBeGreaterThanOrEqual(2_000);
    expect(grace).toBeLessThan(10_000);
    expect(await notes('Stubborn', 'teardowns')).toEqual([]);
  });
});

describe('health checks', () => {
  it('may fail in the start period, which is real time; three failures after it replace the runner', async () => {
    await deploy('Checked');
    const first = await until('a runner is ready', async () => {
      const [one] = await runners('Checked');
      return one?.state === 'IDLE' && one;
    });
    // Regular checks, every 15 platform seconds, besides the one at its start.
    await until('checks have passed', async () => (await notes('Checked', 'checks')).length > 3);
    await setFlag('Checked', 'sick');
    const ended = await until('the runner is ended', async () => {
      const one = await runner(first.id);
      return one.transitions.some(({ state }) => state === 'TERMINATING') && one;
    });
    await clearFlag('Checked', 'sick');
    expect(entry(ended, 'TERMINATING').reason).toBe('The runner failed its health check.');
    expect(entry(ended, 'TERMINATING').at - entry(ended, 'SETUP').at).toBeGreaterThanOrEqual(10_000);
    expect((await notes('Checked', 'sick-checks')).filter((id) => id === first.id).length).toBeGreaterThan(3);
    await until('another one is ready', async () =>
      (await runners('Checked')).some(({ id, state }) => id !== first.id && state === 'IDLE'),
    );
  });

  it('are made only on demand if the app wants that, and then one failure ends the runner', async () => {
    await deploy('OnDemand');
    const { runner: id } = await ask('OnDemand');
    const ready = (await notes('OnDemand', 'checks')).length;
    const demand = { headers: { 'x-fal-runner-health-check': '1' } };
    await ask('OnDemand', demand);
    await until('it is checked', async () => (await notes('OnDemand', 'checks')).length === ready + 1);
    const begin = Date.now();
    await setFlag('OnDemand', 'sick');
    await until('regular ones would have come', () => (Date.now() - begin) * timeScale > 60_000);
    expect((await ask('OnDemand')).runner).toBe(id);
    expect((await ask('OnDemand', demand)).runner).toBe(id);
    const ended = await until('the runner is ended', async () => {
      const one = await runner(id);
      return one.transitions.some(({ state }) => state === 'TERMINATING') && one;
    });
    await clearFlag('OnDemand', 'sick');
    expect(entry(ended, 'TERMINATING').reason).toBe('The runner failed its health check.');
    expect(await notes('OnDemand', 'checks')).toHaveLength(ready + 2);
  });
});

describe('an app that ends its own process', () => {
  it('is replaced, and no queued request is lost', async () => {
    await deploy('finite');
    const ids = await Promise.all(Array.from({ length: 8 }, () => enqueue('finite')));
    const served = await Promise.all(
      ids.map(async (id) => {
        const response = await result('finite', id);
        return [response.status, await response.text()] as const;
      }),
    );
    expect(served.map(([code]) => code)).toEqual(ids.map(() => 200));
    expect(new Set(served.map(([, id]) => id)).size).toBeGreaterThan(1);
    const ended = (await runners('finite')).flatMap(({ endReason, transitions }) =>
      endReason === null ? [] : [transitions.find(({ state }) => state.startsWith('TERMINAT'))?.reason],
    );
    expect(ended.length).toBeGreaterThan(0);
    for (const reason of ended) expect(reason).toMatch(/lost its connection|exited with code 0/);
  });

  it('ends fal run --limit-max-requests after that many, without an error, also while callers continue', async () => {
    const running = project.startFal('run', 'life.py::Steady', '--limit-max-requests', '2');
    const path = await until(
      'its address is printed',
      () => new RegExp(`//localhost:${emulator.ports.run}(/[\\w-]+/[\\w-]+)`).exec(running.output())?.[1],
      { timeoutMs: 60_000 },
    );
    for (const _ of [1, 2]) expect((await call(emulator, 'run', path, { body: {} })).status).toBe(200);
    let over = false;
    const callers = Array.from({ length: 4 }, async () => {
      while (!over) await call(emulator, 'run', path, { body: {} }).catch(() => undefined);
    });
    expect((await running.finished).code).toBe(0);
    over = true;
    await Promise.all(callers);
    // The app's own server and its metrics server.
    expect(running.output().match(/Uvicorn running/g)).toHaveLength(2);
    expect(running.output()).not.toContain('GET /health');
  });
});

describe('a new revision', () => {
  const startDeploy = (...flags: readonly string[]) =>
    besides.fal(['deploy', 'life.py::Steady', '--app-name', 'steady', '--yes', ...flags]);

  async function startingOne(old: string): Promise<Runner> {
    return until('a runner of the new revision is in SETUP', async () =>
      (await runners('Steady')).find(({ revision, state }) => revision !== old && state === 'SETUP'),
    );
  }

  it('that does not start leaves the old one serving, and the CLI shows the reason', async () => {
    const { revision: old, runner: id } = await ask('Steady');
    await setFlag('Steady', 'hold');
    const deploying = startDeploy();
    const check = await startingOne(old);
    expect(await isRolling()).toBe(true);
    expect((await ask('Steady')).runner).toBe(id);
    await setFlag('Steady', 'broken', check.revision);
    await clearFlag('Steady', 'hold');
    const { code, stdout, stderr } = await deploying;
    expect(code).not.toBe(0);
    expect(stdout + stderr).toContain('broken on purpose');
    expect(stdout + stderr).toContain('The previous revision stays in place.');
    expect(await isRolling()).toBe(false);
    expect(await ask('Steady')).toEqual({ runner: id, revision: old });
  });

  it('that starts takes over without losing a request, and the old runner finishes its own', async () => {
    const { revision: old, runner: id } = await ask('Steady');
    await setFlag('Steady', 'busy');
    const running = ask('Steady', { busy: true });
    await untilState(id, 'RUNNING');
    await setFlag('Steady', 'hold');
    const deploying = startDeploy('--strategy', 'rolling');
    const check = await startingOne(old);
    const queued = await enqueue('Steady');
    await clearFlag('Steady', 'hold');
    expect(answered.parse(await (await result('Steady', queued)).json()).revision).toBe(check.revision);
    await clearFlag('Steady', 'busy');
    expect(await running).toEqual({ runner: id, revision: old });
    expect((await deploying).code).toBe(0);
    const states = (await untilState(id, 'TERMINATED')).transitions.slice(-3).map(({ state }) => state);
    expect(states).toEqual(['DRAINING', 'TERMINATING', 'TERMINATED']);
  });

  it('by fal apps set-rev rolls back in the same way, and keeps the scale settings', async () => {
    const { revision: now } = await ask('Steady');
    const old = (await runners('Steady')).map(({ revision }) => revision).find((revision) => revision !== now) ?? '';
    await fal('apps', 'scale', 'steady', '--keep-alive', '30000');
    await rm(join(control, 'Steady.broken'), { force: true });
    await fal('apps', 'set-rev', 'steady', old, '--strategy', 'rolling');
    const fresh = (await runners('Steady')).findLast(({ revision }) => revision === old);
    expect(fresh && entry(fresh, 'IDLE')).toBeDefined();
    expect((await ask('Steady')).revision).toBe(old);
    const { apps } = lastJson(await fal('apps', 'list', '--json'));
    expect(apps).toContainEqual(expect.objectContaining({ alias: 'steady', revision: old, keep_alive: 30000 }));
  });

  it('by recreate is active immediately, and starts with the next request', async () => {
    const { runner: id } = await ask('Steady');
    const next = await deploy('Steady', '--strategy', 'recreate');
    await untilState(id, 'TERMINATED');
    expect((await runners('Steady')).filter(({ revision }) => revision === next)).toEqual([]);
    expect((await ask('Steady')).revision).toBe(next);
  });

  it('by --detach is active immediately and starts then; its failure isn’t rolled back', async () => {
    const { revision: old, runner: id } = await ask('Steady');
    await setFlag('Steady', 'hold');
    const detached = ['deploy', 'life.py::Steady', '--app-name', 'steady', '--yes', '--json', '--detach'];
    const answer = deployed.parse(lastJson(await fal(...detached)));
    expect(answer.status).toBe('rolling_out');
    const [first] = (await runners('Steady')).filter(({ revision }) => revision === answer.revision);
    expect([first?.state, await isRolling()]).toEqual([expect.stringMatching(/PENDING|SETUP/), true]);
    await untilState(id, 'TERMINATED');
    await clearFlag('Steady', 'hold');
    await until('the rollout is over', async () => !(await isRolling()));
    expect((await ask('Steady')).revision).toBe(answer.revision);

    await setFlag('Steady', 'hold');
    const failing = deployed.parse(lastJson(await fal(...detached)));
    await setFlag('Steady', 'broken', failing.revision);
    await clearFlag('Steady', 'hold');
    await until('the rollout is over', async () => !(await isRolling()));
    const { apps } = lastJson(await fal('apps', 'list', '--json'));
    expect(apps).toContainEqual(expect.objectContaining({ alias: 'steady', revision: failing.revision }));
    await fal('apps', 'set-rev', 'steady', old, '--strategy', 'recreate');
    expect((await ask('Steady')).revision).toBe(old);
  });
});

describe('an app under traffic', () => {
  it('answers every direct call through a rolling deploy, a rollout, stops and a detached deploy', async () => {
    await deploy('Pair');
    let going = true;
    const callers = Array.from({ length: 3 }, async () => {
      const seen: string[] = [];
      while (going) {
        seen.push((await ask('Pair')).revision);
        // Leaves CPU time for the commands.
        await delay(20);
      }
      return seen;
    });
    const all = Promise.all(callers);
    // The runner that was found may end before the command reaches it, because a rollout continues for a while.
    const stopOne = (...flags: readonly string[]) =>
      until('a runner is stopped', async () => {
        const one = (await runners('Pair')).find(({ state }) => state === 'RUNNING' || state === 'IDLE');
        return one && (await line.fal(['runners', 'stop', one.id, ...flags])).code === 0;
      });
    try {
      await deploy('Pair', '--strategy', 'rolling');
      await fal('apps', 'rollout', 'pair');
      await stopOne('--replace');
      await stopOne();
      await deploy('Pair', '--detach');
      await ask('Pair');
    } finally {
      going = false;
    }
    const answers = (await all).flat();
    expect(new Set(answers).size).toBe(3);
    expect(answers.length).toBeGreaterThan(30);
  });
});

describe('a rollout', () => {
  it('with grace replaces runners without losing a request', async () => {
    const { runner: id, revision } = await ask('Steady');
    await setFlag('Steady', 'busy');
    const running = ask('Steady', { busy: true });
    await untilState(id, 'RUNNING');
    await fal('apps', 'rollout', 'steady');
    const queued = await enqueue('Steady');
    const next = answered.parse(await (await result('Steady', queued)).json());
    expect(next).toEqual({ runner: expect.not.stringContaining(id), revision });
    await clearFlag('Steady', 'busy');
    expect((await running).runner).toBe(id);
    expect(entry(await untilState(id, 'TERMINATED'), 'DRAINING').reason).toContain('rollout');
  });

  it('by force kills runners: queued requests run again on other runners', async () => {
    const { runner: id } = await ask('Steady');
    await setFlag('Steady', 'busy');
    const queued = await enqueue('Steady', { busy: true });
    await untilState(id, 'RUNNING');
    await fal('apps', 'rollout', 'steady', '--force');
    await clearFlag('Steady', 'busy');
    expect(answered.parse(await (await result('Steady', queued)).json()).runner).not.toBe(id);
    const states = (await untilState(id, 'TERMINATED')).transitions.slice(-2).map(({ state }) => state);
    expect(states).toEqual(['RUNNING', 'TERMINATED']);
  });
});

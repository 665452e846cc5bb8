import { execFileSync } from 'node:child_process';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { pythonTools } from '../../../test/support/python.ts';
import type { Engine, RunnerAddress, RunnerSpec } from '../engine.ts';
import { passOf } from '../pass.ts';
import { type Watched, watch } from '../testing/watch.ts';
import { createProcessEngine } from './process-engine.ts';
import { runnerSources, specFor, type WorkFolder, workFolder } from './testing/runners.ts';
import type { Virtualenv } from './virtualenv.ts';

const own = join(import.meta.dirname, 'testing/swap');

let work: WorkFolder;
let engine: Engine;
let environment: Virtualenv;
const handles: { kill(): void }[] = [];

beforeAll(async () => {
  work = workFolder();
  const { python, env } = await pythonTools();
  environment = { kind: 'virtualenv', id: 'sdk', python, extraPaths: [] };
  const names = ['Demo', 'served'];
  execFileSync(python, [join(own, 'pickle_apps.py'), join(own, 'app.py'), work.root, ...names], {
    env: env(process.env),
  });
  const sources = join(work.root, 'runner');
  cpSync(runnerSources, sources, { recursive: true });
  const apply = join(sources, 'inside/swap/apply.py');
  cpSync(apply, join(sources, 'inside/swap/real_apply.py'));
  cpSync(join(own, 'apply.py'), apply);
  engine = createProcessEngine({ dataDir: work.root, runnerSources: sources });
}, 300_000);
afterEach(() => {
  for (const handle of handles.splice(0)) handle.kill();
});
afterAll(async () => {
  await engine?.close();
  work?.remove();
});

function start(name = 'Demo', rest: Partial<RunnerSpec<Virtualenv>> = {}): Watched {
  const callable = { kind: 'pickle', method: 'cloudpickle', file: join(work.root, name) } as const;
  const spec = specFor(work, '', { environment, callable, appFiles: [], development: true, ...rest });
  const runner = watch(engine, spec);
  handles.push(runner.handle);
  return runner;
}

function swap(runner: Watched, program: string, patienceSeconds = 5) {
  return runner.handle.swap({ delta: Buffer.from(program), patienceSeconds });
}

const head = (address: RunnerAddress | null) => Object.fromEntries(passOf(address ?? { host: '', port: 0 }));
const urlOf = (address: RunnerAddress | null, path: string) => `http://${address?.host}:${address?.port}${path}`;

function send(address: RunnerAddress | null, path: string, name = 'ada'): Promise<Response> {
  const headers = { ...head(address), 'content-type': 'application/json' };
  return fetch(urlOf(address, path), { method: 'POST', headers, body: JSON.stringify({ name }) });
}

async function schemaOf(address: RunnerAddress | null): Promise<string> {
  return (await fetch(urlOf(address, '/openapi.json'), { headers: head(address) })).text();
}

async function post(address: RunnerAddress | null, path: string, name?: string): Promise<string> {
  const response = await send(address, path, name);
  const body = await response.text();
  return response.ok ? String(JSON.parse(body).text) : `${response.status} ${body}`;
}

/** Exchanges `helper`, which most endpoints call: they are affected, too. */
const newHelper = `
change.patch(names["helper"], "def helper(name):\\n return f'new {name}'")
change.affects(cls.main, cls.slow, cls.slow_async, cls.stream, cls.talk.original_func)
`;
const newEndpoint = `
types = cls.main.__annotations__
def more(self, input: types["input"]) -> types["return"]:
    return types["return"](text="more " + names["helper"](input.name))
more.route_signature = cls.main.route_signature._replace(path="/more")
def step():
    cls.more = more
    return lambda: delattr(cls, "more")
change.do(step)
`;

describe("a change of an app's code", () => {
  it('keeps its process and its model, and changes answers, routes, schema and the end', async () => {
    const runner = start('Demo', { env: { SETUP_SECONDS: '3' } });
    const address = await runner.ready;
    const before = await post(address, '/');
    expect(before).toMatch(/^old ada \w{32}$/);
    expect(await post(address, '/more')).toMatch(/^404/);
    await post(address, '/cache');

    const outcome = await swap(runner, `${newHelper}${newEndpoint}change.kept, change.cleared = ["COUNT"], ["lookup"]`);
    expect(outcome).toEqual({
      ok: true,
      ms: expect.any(Number),
      waitedMs: 0,
      cleared: ['lookup'],
      kept: ['COUNT', 'self.entries', 'self.heavy'],
    });
    expect(await post(address, '/')).toBe(before.replace('old', 'new'));
    expect(await post(address, '/more')).toBe('more new ada');
    const schema = JSON.parse(await schemaOf(address));
    expect(Object.keys(schema.paths)).toContain('/more');
    expect(await runner.handle.probe(5)).toBe(true);

    const again = await swap(runner, 'change.patch(names["helper"], "def helper(name):\\n return f\'newer {name}\'")');
    expect(again).toMatchObject({ ok: true });
    expect(await post(address, '/more')).toBe('more newer ada');
    runner.handle.terminate();
    await runner.exited;
    expect(runner.lines.map(({ text }) => text).filter((text) => /^setup|teardown$/.test(text))).toEqual([
      'setup ran',
      'newer teardown',
    ]);
  });

  it.each(['/slow', '/slow-async'])('waits for a request to %s, which finishes on the old code', async (path) => {
    const runner = start();
    const address = await runner.ready;
    const running = post(address, path);
    await post(address, '/begun');
    // The loop calls it when the change waits: loading the change doesn't give way.
    const proceed = 'import asyncio\nasyncio.get_running_loop().call_soon(instance.proceed.set)\n';
    const change = swap(runner, `${newHelper}${proceed}`);
    // Arrives while the door is closed, or just before: in neither case may it get half of each.
    const next = post(address, '/');
    const outcome = await change;
    expect(outcome).toMatchObject({ ok: true });
    expect(outcome.ok && outcome.waitedMs).toBeGreaterThan(0);
    expect(await running).toMatch(/^old slow/);
    expect(await next).toMatch(/^(old|new) ada/);
    expect(await post(address, '/')).toMatch(/^new ada/);
  });

  it('keeps new requests waiting until it is made', async () => {
    const runner = start();
    const address = await runner.ready;
    const running = post(address, '/slow');
    await post(address, '/proceed', '0.5');
    const change = swap(runner, `print("loaded", flush=True)\n${newHelper}`);
    await runner.line(/^loaded/);
    const next = await Promise.all([post(address, '/'), post(address, '/'), post(address, '/slow')]);
    expect(next.map((text) => text.split(' ')[0])).toEqual(['new', 'new', 'new']);
    expect([await running, await change]).toMatchObject(['old slow', { ok: true }]);
  });

  it('lets a running request call the app, so that it can finish', async () => {
    const runner = start();
    const address = await runner.ready;
    const running = post(address, '/nested');
    await post(address, '/proceed', '0.5');
    const change = `${newHelper}change.affects(cls.call_itself)`;
    expect(await swap(runner, change)).toMatchObject({ ok: true });
    expect(await running).toMatch(/^nested old myself/);
    expect(await post(address, '/')).toMatch(/^new ada/);
  });

  it('does not wait for a request that the change does not concern', async () => {
    const runner = start();
    const address = await runner.ready;
    const running = post(address, '/other');
    await post(address, '/proceed', '1.5');
    expect(await swap(runner, newHelper)).toMatchObject({ ok: true });
    expect(await Promise.race([running, post(address, '/')])).toMatch(/^new ada/);
    expect(await running).toBe('unaffected');
  });

  it('waits for a stream, which ends on the old code', async () => {
    const runner = start();
    const address = await runner.ready;
    const reader = (await send(address, '/stream')).body?.getReader();
    const read = async () => Buffer.from((await reader?.read())?.value ?? '').toString();
    expect(await read()).toContain('old first');
    expect(await swap(runner, newHelper, 0.2)).toMatchObject({ ok: false, code: 'still_running' });
    expect(await post(address, '/')).toMatch(/^old ada/);
    const running = post(address, '/slow');
    await post(address, '/proceed', '0.3');
    expect(await swap(runner, newHelper)).toMatchObject({ ok: true });
    expect([await read(), await running]).toEqual([expect.stringContaining('old last'), 'old slow']);
    expect(await (await send(address, '/stream')).text()).toContain('new first');
  });

  it('refuses while an old request runs, names it, and the app serves as before', async () => {
    const runner = start();
    const address = await runner.ready;
    const running = post(address, '/slow');
    await post(address, '/proceed', '1');
    const outcome = await swap(runner, newHelper, 0.1);
    expect(outcome).toMatchObject({ ok: false, code: 'still_running', text: 'a request to /slow is still running' });
    expect(await post(address, '/')).toMatch(/^old ada/);
    expect(await running).toBe('old slow');
    expect(await swap(runner, newHelper)).toMatchObject({ ok: true });
    expect(await post(address, '/')).toMatch(/^new ada/);
  });

  it('refuses while a thread runs the old code, and not while it runs other code', async () => {
    const runner = start();
    const address = await runner.ready;
    await post(address, '/loop');
    const outcome = await swap(runner, 'change.patch(cls.loop, "def loop(self):\\n return")', 0.1);
    expect(outcome).toMatchObject({ ok: false, code: 'still_running' });
    expect(outcome.ok || outcome.text).toMatch(/loop is still running in the thread looping$/);
    expect(await swap(runner, newHelper)).toMatchObject({ ok: true });
  });

  it.each(['fork', 'spawn'])('waits for a process with a copy of the code, made by %s', async (method) => {
    const runner = start();
    const address = await runner.ready;
    await post(address, '/process', 'program');
    expect(await swap(runner, newHelper)).toMatchObject({ ok: true });
    await post(address, '/process', method);
    const outcome = await swap(runner, newHelper, 0.1);
    expect(outcome).toMatchObject({ ok: false, code: 'still_running' });
    expect(outcome.ok || outcome.text).toMatch(/^process \d+, which the app has started, has a copy of the old code$/);
    expect(await swap(runner, newHelper)).toMatchObject({ ok: true });
  });
});

describe('requests during many changes', () => {
  it('are all answered, each by one version, and never by an older one than before', async () => {
    const runner = start();
    const address = await runner.ready;
    const last = 20;
    const seen: string[][] = [];
    async function ask(path: string): Promise<void> {
      const own: string[] = [];
      seen.push(own);
      while (own.at(-1) !== `${last} ${last}`) own.push(await post(address, path));
    }
    const clients = Array.from({ length: 8 }, (_, at) => ask(at % 2 === 0 ? '/pair' : '/pair-async'));
    for (let version = 1; version <= last; version++) {
      const code = (name: string) => `change.patch(names["${name}"], "def ${name}():\\n return '${version}'")\n`;
      const affected = 'change.affects(cls.pair, cls.pair_async)';
      const program = `names = cls.pair.__globals__\n${code('first')}${code('second')}${affected}`;
      expect(await swap(runner, program)).toMatchObject({ ok: true });
    }
    await Promise.all(clients);
    for (const own of seen) {
      expect(own.filter((text) => !/^(\d+) \1$/.test(text))).toEqual([]);
      const versions = own.map((text) => Number(text.split(' ')[0]));
      expect(versions).toEqual(versions.toSorted((a, b) => a - b));
    }
    expect(new Set(seen.flat()).size).toBeGreaterThan(5);
  });
});

describe('fifty changes', () => {
  it('leave one application of the SDK besides the first, and little memory', async () => {
    const runner = start();
    const address = await runner.ready;
    const memory = async () => (await post(address, '/memory')).split(' ').map(Number);
    const change = async (text: string) => {
      const outcome = await swap(runner, newHelper.replace('new', text) + newEndpoint);
      expect(outcome).toMatchObject({ ok: true });
    };
    await change('newest 0');
    const [, before = 0] = await memory();
    for (let round = 1; round <= 50; round++) {
      await change(`newest ${round}`);
      if (round % 10 === 0) expect(await post(address, '/')).toContain(`newest ${round} ada`);
    }
    const [apps, after = 0] = await memory();
    expect(apps).toBe(2);
    expect(after - before).toBeLessThan(20_000);
  });
});

describe('a realtime session across a change', () => {
  const message = Buffer.from([0x81, 0xa4, ...Buffer.from('name'), 0xa1, ...Buffer.from('x')]);

  async function session(address: RunnerAddress | null) {
    const socket = new WebSocket(urlOf(address, '/realtime').replace('http', 'ws'), { headers: head(address) });
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    const talk = () =>
      new Promise<string>((resolve) => {
        socket.once('message', (data) => resolve(data.toString()));
        socket.send(message);
      });
    return { talk, close: () => socket.terminate() };
  }

  it('stays open, and its next message is answered by the new code', async () => {
    const runner = start();
    const { talk, close } = await session(await runner.ready);
    expect(await talk()).toContain('old talk');
    expect(await swap(runner, newHelper)).toMatchObject({ ok: true });
    expect(await talk()).toContain('new talk');
    close();
  });

  it('refuses one that changes what the session agreed on', async () => {
    const runner = start();
    const { talk, close } = await session(await runner.ready);
    await talk();
    const options = 'change.set(cls.talk, "route_signature", cls.talk.route_signature._replace(buffering=7))';
    const outcome = await swap(runner, newHelper + options);
    expect(outcome).toMatchObject({ ok: false, code: 'refused' });
    expect(outcome.ok || outcome.text).toContain('a realtime session is open on /realtime');
    expect(await talk()).toContain('old talk');
    close();
    await expect.poll(() => swap(runner, newHelper + options)).toMatchObject({ ok: true });
  });
});

const failed = 'Edits are swapped if the app can be built again in the runner; the traceback is in the log';
const refused = "It is a case that minifal can't change in place; edits of functions are swapped";

describe('a change that fails', () => {
  it.each([
    ['while it is loaded', 'raise NameError("no such path")', 'failed', 'NameError: no such path', failed],
    ['because it is refused', 'raise Refused("COUNT was changed")', 'refused', 'COUNT was changed', refused],
    [
      'in its checks',
      'def check(): raise Refused("1 live Input", "Make it again")\nchange.check = check',
      'refused',
      '1 live Input',
      'Make it again',
    ],
    [
      'half way',
      `${newHelper}${newEndpoint}change.do(lambda: 1 / 0)`,
      'failed',
      'ZeroDivisionError: division by zero',
      failed,
    ],
    [
      'when the app is built again',
      `${newHelper}change.set(cls, "collect_routes", lambda self: {})`,
      'failed',
      'ValueError: An application must have at least one route!',
      failed,
    ],
  ])('%s leaves the old code, answers and schema', async (_when, program, code, text, remedy) => {
    const runner = start();
    const address = await runner.ready;
    const before = await post(address, '/');
    const schema = await schemaOf(address);
    expect(await swap(runner, program)).toEqual({ ok: false, code, text, remedy });
    expect([await post(address, '/'), await schemaOf(address)]).toEqual([before, schema]);
    expect(await post(address, '/more')).toMatch(/^404/);
    expect(await swap(runner, newHelper + newEndpoint)).toMatchObject({ ok: true });
    expect(await post(address, '/')).toBe(before.replace('old', 'new'));
  });

  it('and cannot be undone ends the runner', async () => {
    const runner = start();
    await runner.ready;
    const program = 'change.do(lambda: lambda: 1 / 0)\nchange.set(cls, "collect_routes", lambda self: {})';
    expect(await swap(runner, program)).toMatchObject({ ok: false, code: 'runner_ended' });
    expect(await runner.exited).toMatchObject({ code: 1 });
    expect(runner.lines.map(({ text }) => text).join('\n')).toContain('could not be undone: the runner ends');
  });

  it('because the runner ends meanwhile', async () => {
    const runner = start();
    const address = await runner.ready;
    const running = post(address, '/slow').catch(() => 'gone');
    await post(address, '/proceed', '20');
    const outcome = swap(runner, `print("loaded", flush=True)\n${newHelper}`);
    await runner.line(/^loaded/);
    runner.handle.kill();
    expect(await outcome).toMatchObject({ ok: false, code: 'runner_ended' });
    expect(await running).toBe('gone');
  });
});

describe('what is prepared for changes', () => {
  it('adds no thread, and nothing at all outside of development', async () => {
    const runners = [start(), start('Demo', { runnerId: 'not-for-development' })];
    const [one, other] = await Promise.all(runners.map(async ({ ready }) => post(await ready, '/threads')));
    expect(one).toBe(other);
  });

  it('is also prepared for a function that serves', async () => {
    const runner = start('served');
    const address = await runner.ready;
    expect(await post(address, '/')).toBe('old served');
    expect(await swap(runner, 'raise Refused("there is no class")')).toMatchObject({ code: 'refused' });
  });
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { processTree } from '../../../test/support/procfs.ts';
import { pythonTools } from '../../../test/support/python.ts';
import { root } from '../../../test/support/root.ts';
import { until } from '../../../test/support/wait.ts';

const app = `
import fal
import helpers
from pydantic import BaseModel


class Input(BaseModel):
    number: int = 1


class Demo(fal.App, keep_alive=60):
    machine_type = "XS"
    local_python_modules = ["helpers"]

    def setup(self):
        self.start = 1

    @fal.endpoint("/")
    def main(self, input: Input) -> dict:
        return {"number": helpers.add(self.start, input.number)}
`;
const helpers = 'def add(a, b):\n    return a + b\n';

interface Event {
  readonly event: string;
  readonly id?: number;
  readonly verdict?: string;
  readonly run?: string;
  readonly files?: readonly string[];
  readonly error?: { readonly message: string; readonly file: string | null; readonly line: number | null };
  readonly reason?: { readonly code: string };
  readonly changed?: readonly { readonly path: string; readonly what: string }[];
  readonly delta?: string | null;
}

/** A process that writes a line of JSON for each event. */
function lines<Line>(from: Readable) {
  const iterator = createInterface({ input: from })[Symbol.asyncIterator]();
  return async (): Promise<Line> => {
    const { value, done } = await iterator.next();
    if (done) throw new Error('no more lines');
    return JSON.parse(value);
  };
}

let folder: string;
let control: Awaited<ReturnType<typeof startControlPlane>>;

async function startControlPlane() {
  const { python, env } = await pythonTools();
  const child = spawn(python, [join(root, 'test/support/control_plane.py')], { stdio: ['pipe', 'pipe', 'inherit'] });
  const next = lines<{ port?: number; call?: string; message?: string }>(child.stdout);
  const { port } = await next();
  const environment = env({
    ...process.env,
    FAL_GRPC_HOST: `localhost:${port}`,
    FAL_HOST: `localhost:${port}`,
    ISOLATE_TEST_MODE: '1',
    FAL_KEY: 'a:b',
  });
  return {
    python,
    environment,
    /** The message of the next call of Run. */
    async run(): Promise<string> {
      for (;;) {
        const { call, message } = await next();
        if (call === 'run') return message ?? '';
      }
    },
    async stop() {
      child.stdin.end();
      await once(child, 'exit');
    },
  };
}

/** A loader in the folder, and its first event: that the app is served. */
async function startLoader(limitSeconds = 60) {
  const child = spawn(control.python, [join(import.meta.dirname, 'main.py')], {
    cwd: folder,
    env: control.environment,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
  });
  let errors = '';
  let output = '';
  child.stderr?.on('data', (part) => {
    errors += part;
  });
  child.stdout?.on('data', (part) => {
    output += part;
  });
  const exit = once(child, 'exit');
  const commands = child.stdio[3] as Writable;
  const events = child.stdio[4] as Readable;
  // When the loader is killed, what it didn't read is lost.
  for (const pipe of [commands, events]) pipe.on('error', () => undefined);
  const next = lines<Event>(events);
  const send = (command: object) => commands.write(`${JSON.stringify(command)}\n`);
  send({ op: 'serve', argv: ['app.py::Demo'], limitSeconds });
  let id = 0;
  return {
    pid: child.pid ?? 0,
    serving: await next(),
    exit,
    next,
    errors: () => errors,
    output: () => output,
    accept: (accepted: number) => send({ op: 'accepted', id: accepted }),
    begin(more: object = {}) {
      id += 1;
      send({ op: 'load', id, cause: join(folder, 'app.py'), fresh: false, swap: true, ...more });
      return id;
    },
    /** Loads the app once more; the answer. */
    async load(more: object = {}) {
      const begun = this.begin(more);
      const answer = await next();
      expect(answer.id).toBe(begun);
      return answer;
    },
    async end() {
      commands.end();
      await exit;
    },
  };
}

const save = (name: string, text: string) => writeFileSync(join(folder, name), text);

/**
 * The bytes of a message, with the random ids of cloudpickle and the addresses of pydantic numbered. Addresses have 9
 * to 15 digits, so the lengths of their text and of frames differ, too.
 */
function comparable(message: string): string {
  const ids: string[] = [];
  return Buffer.from(message, 'base64')
    .toString('latin1')
    .replace(/.[\x80-\xff]*[^\x80-\xff]\n.cloudpickle.[\x80-\xff]*[^\x80-\xff]/gs, 'lengths and cloudpickle')
    .replace(/\x95[\s\S]{8}/g, 'frame')
    .replace(/\x8c[\s\S](?=[\w<>.]+:\d{6})/g, 'text ')
    .replace(/[0-9a-f]{32}|(?<=:)\d{6,}/g, (id) => {
      if (!ids.includes(id)) ids.push(id);
      return `id ${ids.indexOf(id)}`;
    });
}

/** Where two messages differ, with what is around it: a whole message has too many bytes to be shown. */
function firstDifference(one: string, other: string): readonly string[] | undefined {
  if (one === other) return undefined;
  const at = [...one].findIndex((character, index) => character !== other[index]);
  return [one, other].map((text) => JSON.stringify(text.slice(Math.max(0, at - 80), at + 80)));
}

beforeAll(async () => {
  control = await startControlPlane();
}, 120_000);
afterAll(async () => {
  await control?.stop();
});
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'minifal-loader-'));
  save('app.py', app);
  save('helpers.py', helpers);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the loader', { timeout: 180_000 }, () => {
  it('sends what fal run sends, and captures the same message for each save', async () => {
    // Python's own order of sets differs between processes.
    control.environment.PYTHONHASHSEED = '1';
    const falRun = spawn(control.python, ['-m', 'fal', 'run', 'app.py::Demo'], {
      cwd: folder,
      env: control.environment,
      stdio: 'ignore',
    });
    const expected = comparable(await control.run());
    falRun.kill('SIGKILL');
    const loader = await startLoader();
    const held = comparable(await control.run());
    const loaded = await loader.load();
    await loader.end();
    control.environment.PYTHONHASHSEED = undefined;

    expect(loader.serving).toEqual({
      event: 'serving',
      alias: 'alias-1',
      files: [join(folder, 'app.py'), join(folder, 'helpers.py')],
    });
    expect(firstDifference(held, expected)).toBeUndefined();
    expect(firstDifference(comparable(loaded.run ?? ''), expected)).toBeUndefined();
    expect(loader.output()).toContain('Ephemeral App');
  });

  it('says what a save needs: nothing, a restart, a new environment; and where it fails', async () => {
    const loader = await startLoader();
    expect(await loader.load()).toMatchObject({ event: 'loaded', verdict: 'same' });
    expect(await loader.load({ fresh: true })).toMatchObject({
      verdict: 'restart',
      reason: { code: 'fresh', remedy: expect.stringContaining('saves are swapped') },
    });

    save('app.py', app.replace('{"number":', '{"sum":'));
    const swapped = await loader.load();
    expect(swapped).toMatchObject({
      verdict: 'swap',
      changed: [{ path: 'Demo.main', what: 'code' }],
      certificate: { operations: { code: 1 }, kept: [], reaches: expect.arrayContaining(['Demo.setup']) },
    });
    expect(Buffer.from(swapped.delta ?? '', 'base64').length).toBeGreaterThan(100);
    expect(await loader.load({ swap: false })).toMatchObject({
      verdict: 'restart',
      reason: { code: 'swap_off', remedy: expect.stringContaining('--no-swap') },
    });

    save('app.py', app.replace('self.start = 1', 'self.start = 2'));
    const changed = await loader.load();
    expect(changed).toMatchObject({
      verdict: 'restart',
      reason: { code: 'setup_reaches', text: 'Demo.setup changed' },
    });
    loader.accept(changed.id ?? 0);
    expect(await loader.load()).toMatchObject({ verdict: 'same' });

    // More than the emulator takes.
    const long = 'n'.repeat(5_000);
    save('app.py', app.replace('{"number":', `{${long}:`).replace('\n\nclass Input', `\n${long} = 1\n\n\nclass Input`));
    expect((await loader.load()).changed).toContainEqual({ path: `${long.slice(0, 299)}…`, what: 'added' });

    save('app.py', app.replace('machine_type = "XS"', 'machine_type = "XS"\n    requirements = ["six"]'));
    expect(await loader.load()).toMatchObject({ verdict: 'rebuild', reason: { code: 'environment' } });

    save('app.py', app.replace('self.start = 1', 'self.start = '));
    const failed = await loader.load();
    expect(failed).toMatchObject({
      event: 'failed',
      error: { type: 'SyntaxError', message: 'invalid syntax', file: join(folder, 'app.py'), line: 16 },
    });
    expect(failed.files).toContain(join(folder, 'helpers.py'));

    save('app.py', app);
    save('helpers.py', 'import nothing_of_this_name\n');
    expect(await loader.load()).toMatchObject({
      event: 'failed',
      error: { type: 'ModuleNotFoundError', file: join(folder, 'helpers.py'), line: 1 },
    });
    save('helpers.py', 'import nothing.of.this_name\n');
    // The developer may create it.
    const missing = ['nothing/__init__.py', 'nothing.py'].map((file) => join(folder, file));
    expect((await loader.load()).files).toEqual(expect.arrayContaining(missing));
    save('helpers.py', helpers);
    await loader.end();
  });

  it('names the files of the image', async () => {
    save('Dockerfile', 'FROM python\nCOPY parts/*.txt whole.txt /\n');
    const image = 'image = fal.ContainerImage.from_dockerfile("Dockerfile")';
    save('app.py', app.replace('machine_type', `${image}\n    machine_type`));
    const loader = await startLoader();
    const named = ['Dockerfile', 'parts', 'whole.txt'].map((name) => join(folder, name));
    expect(loader.serving.files).toEqual(expect.arrayContaining(named));
    rmSync(join(folder, 'Dockerfile'));
    const failed = await loader.load();
    expect([failed.event, failed.files]).toEqual(['failed', expect.arrayContaining([named[0]])]);
    save('app.py', app);
    await loader.end();
  });

  it('takes a value that each import makes for no change, unless the developer changed how it is made', async () => {
    const random = app.replace('\n\nclass Input', '\nimport uuid\n\nSTART = uuid.uuid4().hex\n\n\nclass Input');
    const used = random.replace('self.start = 1', 'self.start = START');
    save('app.py', used);
    const loader = await startLoader();
    expect(await loader.load()).toMatchObject({ verdict: 'same' });
    save('app.py', used.replace('{"number":', '{"sum":'));
    expect(await loader.load()).toMatchObject({ verdict: 'swap' });
    save('app.py', used.replace('uuid4().hex', 'uuid1().hex'));
    expect(await loader.load()).toMatchObject({
      verdict: 'restart',
      reason: { text: 'setup() reaches START, which changed', trail: ['START', 'Demo.setup'] },
    });
    save('app.py', app);
    await loader.end();
  });

  it('restarts an app with more objects than can be compared, and names them', async () => {
    const points = 'class Point:\n    def __init__(self):\n        self.x, self.y = 1, 2\n';
    const many = `${points}\n\nPOINTS = [Point() for _ in range(40_000)]\n`;
    const large = app.replace('class Demo', `${many}\n\nclass Demo`).replace('self.start,', 'len(POINTS),');
    save('app.py', large);
    const loader = await startLoader();
    save('app.py', large.replace('{"number":', '{"sum":'));
    const answer = await loader.load();
    expect(answer).toMatchObject({
      verdict: 'restart',
      reason: { code: 'too_large', text: 'POINTS is too large to compare: more than 100,000 objects' },
    });
    loader.accept(answer.id ?? 0);
    save('app.py', app);
    const smaller = await loader.load();
    expect(smaller).toMatchObject({ verdict: 'restart', reason: { code: 'too_large' } });
    loader.accept(smaller.id ?? 0);
    save('app.py', app.replace('{"number":', '{"sum":'));
    expect(await loader.load()).toMatchObject({ verdict: 'swap' });
    save('app.py', app);
    await loader.end();
  });

  it('notices a file that was saved while it was imported', async () => {
    // An editor would replace it at that moment.
    const named = app.replace('{"number":', '{NAME:');
    const replacing = 'import os\nif os.path.exists("next.py"):\n    os.replace("next.py", __file__)\n';
    const replaced = `NAME = "number"\n${named}\n${replacing}`;
    save('next.py', replaced.replace('"number"', '"sum"'));
    save('app.py', replaced);
    const loader = await startLoader();
    // Besides `fal run`, what is imported once more to find values that each import makes.
    await until('the second import has ended', () => processTree(loader.pid).length <= 2);
    expect(await loader.load()).toMatchObject({ verdict: 'swap' });
    save('app.py', app);
    await loader.end();
  });

  it('survives whatever an import does', async () => {
    const loader = await startLoader(5);
    const said = async (text: string) => {
      save('app.py', text + app);
      const { event, error } = await loader.load();
      return event === 'failed' ? error?.message : event;
    };
    expect(await said('import os; os._exit(3)\n')).toBe('The import ended the process with exit code 3.');
    expect(await said('import os; os.kill(os.getpid(), 9)\n')).toBe('The import was ended by SIGKILL.');
    expect(await said('import time; time.sleep(600)\n')).toBe('The import took longer than 5 seconds and was ended.');
    expect(await said('import os; os.closerange(3, 256)\n')).toBe('loaded');
    expect(await said('import sys; sys.exit(2)\n')).toBe('2');
    const odd = 'error = SyntaxError("odd")\nerror.filename, error.lineno = ';
    for (const place of ['__file__, 2.5', '__file__, "2"', '__file__, 1 << 80', '"/\\0", None'])
      expect(await said(`${odd}${place}\nraise error\n`)).toMatch(/^odd/);
    expect(await said(`${odd}__file__, 1\nerror.msg = 3\nraise error\n`)).toMatch(/^3/);
    expect(await said('for _ in range(100): print("x" * 1_000_000)\n')).toBe('loaded');
    expect(loader.errors().length).toBeLessThan(1_200_000);
    expect(loader.errors()).toContain('[more output of this import is left out]');
    // A fork bomb, and one whose processes leave the group; each is ended by the next save.
    for (const leave of ['', 'os.setsid(); ']) {
      const mark = join(folder, 'forks');
      save(
        'app.py',
        `import os, time\nif os.fork() == 0:\n    ${leave}open(${JSON.stringify(mark)}, "w").write(
        str(os.getpid()))\n    time.sleep(600)\ntime.sleep(600)\n`,
      );
      const hanging = loader.begin();
      await until('the import has forked', () => existsSync(mark) && readFileSync(mark, 'utf8') !== '');
      const pid = Number(readFileSync(mark, 'utf8'));
      rmSync(mark);
      save('app.py', app);
      const id = loader.begin();
      expect(await loader.next()).toEqual({ event: 'superseded', id: hanging });
      expect(await loader.next()).toMatchObject({ event: 'loaded', id, verdict: 'same' });
      expect(isAlive(pid)).toBe(false);
    }
    await loader.end();
  });

  it('leaves no process when it is killed', async () => {
    const loader = await startLoader();
    const mark = join(folder, 'importing');
    save('app.py', `import os, time\nopen(${JSON.stringify(mark)}, "w").write(str(os.getpid()))\ntime.sleep(600)\n`);
    loader.begin();
    await until('the import runs', () => existsSync(mark) && readFileSync(mark, 'utf8') !== '');
    const below = childrenOf(loader.pid);
    expect(below).toContain(Number(readFileSync(mark, 'utf8')));
    // `fal run`, too.
    expect(below.length).toBeGreaterThan(1);
    process.kill(loader.pid, 'SIGKILL');
    await until('all have ended', () => !below.some(isAlive));
    save('app.py', app);
  });
});

function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

function childrenOf(pid: number): readonly number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
}

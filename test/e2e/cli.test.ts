import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Emulator, startEmulator } from '../support/emulator.ts';
import { type FalServer, startFalServer } from '../support/fal-server.ts';
import { call, owner } from '../support/http.ts';
import type { Finished } from '../support/process.ts';
import { createProject, lastJson, type Project } from '../support/project.ts';
import { type PythonTools, pythonTools } from '../support/python.ts';
import { until } from '../support/wait.ts';

/**
 * Every command of docs/platform/control-plane.md#commands that can be pointed at the emulator, run by the real command
 * line against one emulator.
 */
const source = `
import time

import fal
from fastapi.responses import StreamingResponse
from pydantic import BaseModel


class Input(BaseModel):
    name: str = "world"
    seconds: float = 0


class Output(BaseModel):
    message: str


class Greet(fal.App, keep_alive=300, max_concurrency=1):
    machine_type = "XS"

    @fal.endpoint("/")
    def greet(self, input: Input) -> Output:
        print(f"greeting {input.name}", flush=True)
        time.sleep(input.seconds)
        return Output(message=f"Hello, {input.name}!")

    @fal.endpoint("/stream")
    def stream(self, input: Input) -> StreamingResponse:
        parts = (f'data: {{"part": {n}}}\\n\\n' for n in range(3))
        return StreamingResponse(parts, media_type="text/event-stream")
`;

/**
 * Runs the rest of its arguments on a terminal of 50 x 160, like a user: types a line at the shell's prompt, then
 * widens the terminal.
 */
const person = `
import fcntl, os, pty, re, signal, struct, sys, termios
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
def size(rows, columns):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
seen = b""
def wait_for(pattern):
    global seen
    while not re.search(pattern, seen):
        seen += os.read(terminal, 4096)
size(50, 160)
wait_for(rb"runner:")
os.write(terminal, b"echo from=$(tty) size=$(stty size)\\r")
wait_for(rb"from=/dev/pts/\\d+ size=50 160")
size(60, 170)
# The new size travels on its own: asked for until it is there.
os.write(terminal, b"until [ \\"$(stty size)\\" = '60 170' ]; do sleep 0.05; done; echo wi''der; sleep 100\\r")
wait_for(rb"wider")
os.write(terminal, b"\\x03")
os.write(terminal, b"exit 9\\r")
try:
    while True:
        seen += os.read(terminal, 4096)
except OSError:
    pass
sys.stdout.write(seen.decode(errors="replace"))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;

let emulator: Emulator;
let tools: PythonTools;
let project: Project;
let account: string;
let line: FalServer;

const fal = (...args: readonly string[]): Promise<Finished> => line.fal(args);
/** Runs a command that must succeed. Returns its stdout. */
async function mustFal(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await fal(...args);
  if (code === 0) return stdout;
  throw new Error(`fal ${args.join(' ')} ended with ${code}:\n${stdout}${stderr}`);
}
/** The last line of its output, which is JSON. */
const json = async (...args: readonly string[]): Promise<unknown> => lastJson(await mustFal(...args, '--json'));

beforeAll(async () => {
  tools = await pythonTools();
  emulator = await startEmulator();
  project = await createProject(tools, emulator, { 'app.py': source });
  account = await owner(emulator);
  line = startFalServer(tools, emulator.env, project.folder);
});
afterAll(async () => {
  line?.close();
  await project?.remove();
  await emulator?.stop();
});

const deployed = z.object({ revision: z.string(), app_name: z.string(), status: z.string() });
const deploy = async (...flags: readonly string[]) =>
  deployed.parse(await json('deploy', 'app.py::Greet', '--app-name', 'greet', '--yes', ...flags));

const apps = z.object({ apps: z.array(z.looseObject({ alias: z.string(), revision: z.string() })) });
async function app(name = 'greet') {
  return apps.parse(await json('apps', 'list')).apps.find(({ alias }) => alias === name);
}

const runnerList = z.object({ runners: z.array(z.looseObject({ runner_id: z.string(), state: z.string() })) });
const runners = async (...flags: readonly string[]) =>
  runnerList.parse(await json('runners', 'list', ...flags)).runners;
/** A live runner of the app, started if necessary. */
async function runner(): Promise<string> {
  const live = (await runners()).find(({ state }) => state === 'IDLE');
  if (live) return live.runner_id;
  await mustFal('api', `${account}/greet`, 'name=Ada');
  return runner();
}

describe('deploying and managing apps', () => {
  let first: string;

  it('fal deploy takes strategy, message and annotations', async () => {
    const deployed = await deploy('--strategy', 'recreate', '--message', 'the first', '--annotation', 'ticket=7');
    expect(deployed).toMatchObject({ app_name: 'greet', status: 'deployed' });
    first = deployed.revision;
  });

  it('fal api submits and polls, and streams if the path ends in /stream', async () => {
    expect(await mustFal('api', `${account}/greet`, 'name=Ada')).toContain("{'message': 'Hello, Ada!'}");
    expect(await mustFal('api', `${account}/greet/stream`, 'name=Ada')).toBe(
      'data: {"part": 0}\ndata: {"part": 1}\ndata: {"part": 2}\n',
    );
  });

  it('fal apps scale changes what it names; a redeploy keeps it, --reset-scale does not', async () => {
    await mustFal('apps', 'scale', 'greet', '--keep-alive', '77', '--max-concurrency', '3');
    expect(await app()).toMatchObject({ keep_alive: 77, max_concurrency: 3, max_multiplexing: 1 });
    const second = await deploy('--strategy', 'rolling');
    expect(await app()).toMatchObject({ keep_alive: 77, max_concurrency: 3, revision: second.revision });
    await deploy('--strategy', 'recreate', '--reset-scale');
    expect(await app()).toMatchObject({ keep_alive: 300, max_concurrency: 1 });
  });

  it('fal apps list-rev, set-rev and delete-rev', async () => {
    const revisions = async () => (await mustFal('apps', 'list-rev', 'greet')).match(/[0-9a-f-]{36}/g) ?? [];
    const before = await revisions();
    expect(before).toHaveLength(3);
    expect(before).toContain(first);
    await mustFal('apps', 'set-rev', 'greet', first, '--auth', 'shared', '--strategy', 'recreate');
    expect(await app()).toMatchObject({ revision: first, auth_mode: 'shared' });
    const refused = await fal('apps', 'delete-rev', first);
    expect(refused.code).not.toBe(0);
    const other = before.find((revision) => revision !== first) ?? '';
    await mustFal('apps', 'delete-rev', other);
    expect(await revisions()).toEqual(before.filter((revision) => revision !== other));
  });

  it('fal apps rollout replaces the runners', async () => {
    const before = await runner();
    await mustFal('apps', 'rollout', 'greet', '--force');
    await until('the runner is gone', async () => !(await runners()).some(({ runner_id: id }) => id === before));
  });

  it('fal queue size and flush', async () => {
    await runner();
    for (const name of ['one', 'two', 'three']) {
      // Not retried, so that killing the runner ends the request.
      const headers = { 'x-fal-no-retry': '1' };
      await call(emulator, 'queue', `/${account}/greet`, { body: { name, seconds: 60 }, headers });
    }
    await until('one of them runs', async () => (await runners()).some(({ state }) => state === 'RUNNING'));
    expect(await json('queue', 'size', 'greet')).toEqual({ size: 2 });
    expect(await mustFal('queue', 'flush', 'greet')).toContain('flushed');
    expect(await mustFal('queue', 'size', 'greet')).toContain('Total queue size: 0');
    const busy = (await runners()).find(({ state }) => state === 'RUNNING');
    await mustFal('runners', 'kill', busy?.runner_id ?? '');
  });

  it('fal run serves until it is interrupted', async () => {
    const running = project.startFal('run', 'app.py::Greet');
    await until('its address is printed', () => running.output().includes(`//localhost:${emulator.ports.run}/`));
    running.signal('SIGINT');
    await running.finished;
  });
});

describe('runners', () => {
  it('fal apps runners and fal runners list show the same runners', async () => {
    const id = await runner();
    expect(await json('apps', 'runners', 'greet')).toMatchObject({ runners: [{ runner_id: id, machine_type: 'XS' }] });
    expect((await runners())[0]).toMatchObject({ runner_id: id, alias: 'greet' });
    const pretty = await mustFal('runners', 'list');
    expect(pretty).toContain('Runners: 1');
    expect(await mustFal('runners', 'gpus')).toContain('Total: 0');
  });

  it('fal runners logs shows the output, and -f follows it', async () => {
    const id = await runner();
    await mustFal('api', `${account}/greet`, 'name=Bea');
    expect(await mustFal('runners', 'logs', id)).toMatch(/greeting Bea/);
    expect(await mustFal('runners', 'logs', id, '--search', 'greeting', '-n', '+1')).toMatch(/greeting Bea/);
    const following = project.startFal('runners', 'logs', id, '--follow');
    await until('the past is shown', () => following.output().includes('greeting Bea'));
    await mustFal('api', `${account}/greet`, 'name=Cid');
    await until('the new line comes', () => following.output().includes('greeting Cid'));
    following.signal('SIGINT');
    await following.finished;
    expect((await fal('runners', 'logs', 'nobody')).code).toBe(1);
  });

  it('fal runners exec runs a command in the runner, and returns its output and exit code', async () => {
    const id = await runner();
    const script = 'echo $FAL_JOB_ID; pwd; which python; echo wrong >&2; exit 4';
    const { code, stdout, stderr } = await fal('runners', 'exec', id, '--', 'sh', '-c', script);
    expect([code, stderr]).toEqual([4, 'wrong\n']);
    expect(stdout).toContain(`${id}\n`);
    expect(stdout).toMatch(new RegExp(`^${emulator.dataDir}/environments/.*/python$`, 'm'));
    const many = await fal('runners', 'exec', id, '--', 'head', '-c', '3000000', '/dev/zero');
    expect([many.code, many.stdout.length]).toEqual([0, 3_000_000]);
    const unknown = await fal('runners', 'exec', 'nobody', '--', 'true');
    expect([unknown.code, unknown.stdout]).toEqual([1, expect.stringContaining('not found')]);
  });

  it('fal runners shell and exec -it take a pipe as input', async () => {
    const id = await runner();
    const input = "echo 'a' > t.txt\ncat t.txt\nexit 3\n";
    const shell = await line.fal(['runners', 'shell', id], input);
    expect(shell.code).toBe(3);
    // The output of cat, not the echo of the input.
    expect(shell.stdout).toMatch(/[^']a\r\n/);
    const cat = await line.fal(['runners', 'exec', '-it', id, '--', 'cat'], 'x\r\n\x04y');
    expect([cat.code, cat.stdout]).toEqual([0, 'x\r\n\x04y']);
  });

  it('fal runners shell is an interactive terminal: size, resize, Ctrl-C, exit code', async () => {
    const id = await runner();
    const { code, stdout } = await project.python(person, tools.python, '-m', 'fal', 'runners', 'shell', id);
    expect(stdout).toMatch(/from=\/dev\/pts\/\d+ size=50 160/);
    expect(code, stdout).toBe(9);
  });

  it('fal runners exec ends its command when the CLI is killed', async () => {
    const id = await runner();
    const running = project.startFal('runners', 'exec', id, '--', 'sh', '-c', 'echo pid=$$; exec sleep 1000');
    const pid = await until('it runs', () => /pid=(\d+)/.exec(running.output())?.[1]);
    expect(process.kill(Number(pid), 0)).toBe(true);
    running.signal('SIGKILL');
    await running.finished;
    await until('it is gone', () => {
      try {
        return !process.kill(Number(pid), 0);
      } catch {
        return true;
      }
    });
  });

  it('fal runners stop --replace, stop and kill; list --since includes ended runners', async () => {
    const first = await runner();
    await mustFal('runners', 'stop', '--replace', first);
    const second = await until('another one took over', async () =>
      (await runners()).find(({ runner_id: id, state }) => id !== first && state === 'IDLE'),
    );
    await mustFal('runners', 'stop', second.runner_id);
    await until('it stopped', async () => (await runners()).length === 0);
    const third = await runner();
    await mustFal('runners', 'kill', third);
    await until('it was killed', async () => (await runners()).length === 0);
    const ended = await runners('--since', '1h', '--state', 'terminated');
    expect(ended.map(({ runner_id: id }) => id)).toEqual(expect.arrayContaining([first, second.runner_id, third]));
    for (const verb of ['stop', 'kill']) {
      const { code, stdout, stderr } = await fal('runners', verb, third);
      expect([code, stdout + stderr]).toEqual([1, expect.stringContaining('not found')]);
    }
  });
});

describe('the account', () => {
  it('fal auth whoami and doctor show the account and the host', async () => {
    expect(await mustFal('auth', 'whoami')).toContain(account);
    expect(await mustFal('doctor')).toContain(`localhost:${emulator.ports.api}`);
  });

  it('fal secrets set, list and unset; values are never shown', async () => {
    await mustFal('secrets', 'set', 'TOKEN=very-private', 'OTHER=x');
    const listed = await mustFal('secrets', 'list', '--json');
    expect(lastJson(listed)).toMatchObject({ secrets: [{ name: 'TOKEN' }, { name: 'OTHER', environment: 'main' }] });
    expect(listed).not.toContain('very-private');
    await mustFal('secrets', 'unset', 'TOKEN');
    expect(await json('secrets', 'list')).toMatchObject({ secrets: [{ name: 'OTHER' }] });
  });

  it('fal keys create, list and revoke', async () => {
    const output = await mustFal('keys', 'create', '--preset', 'API', '--desc', 'mine');
    const id = /FAL_KEY='([^:']+):[^']+'/.exec(output)?.[1] ?? '';
    const keys = z.object({ keys: z.array(z.looseObject({ key_id: z.string() })) });
    const listed = async () => keys.parse(await json('keys', 'list')).keys.find((key) => key.key_id === id);
    expect(await listed()).toMatchObject({ description: 'mine' });
    await mustFal('keys', 'revoke', id);
    expect(await listed()).toBeUndefined();
  });

  it('fal environments create, list and delete; apps and secrets belong to them', async () => {
    await mustFal('environments', 'create', 'dev', '--description', 'to try');
    expect(await json('environments', 'list')).toMatchObject({
      environments: [
        { name: 'main', is_default: true },
        { name: 'dev', description: 'to try' },
      ],
    });
    expect((await fal('environments', 'create', 'dev')).code).toBe(1);
    await deploy('--env', 'dev', '--strategy', 'recreate');
    expect(await json('apps', 'list', '--env', 'dev')).toMatchObject({ apps: [{ environment_name: 'dev' }] });
    await mustFal('environments', 'delete', 'dev', '--yes');
    expect((await fal('environments', 'delete', 'dev', '--yes')).code).toBe(1);
  });

  it('fal profile stores a key that replaces the variable', async () => {
    const home = await mkdtemp(join(tmpdir(), 'minifal-profile-'));
    const config = join(home, 'config.toml');
    await writeFile(config, 'check_updates = false\n');
    const { FAL_KEY: key = '', ...without } = emulator.env;
    const other = startFalServer(
      { ...tools, env: (given) => ({ ...tools.env(given), FAL_HOME_DIR: home, FAL_CONFIG_PATH: config }) },
      without,
      home,
    );
    expect((await other.fal(['apps', 'list'])).code).not.toBe(0);
    expect((await other.fal(['profile', 'create', 'local'])).code).toBe(0);
    expect((await other.fal(['profile', 'key'], `${key}\n`)).code).toBe(0);
    expect((await other.fal(['profile', 'list', '--json'])).stdout).toContain('"local"');
    const { code, stdout } = await other.fal(['apps', 'list', '--json']);
    expect([code, lastJson(stdout)]).toEqual([0, { apps: [expect.objectContaining({ alias: 'greet' })] }]);
    other.close();
    await rm(home, { recursive: true });
  });
});

it('fal apps delete ends the app', async () => {
  await mustFal('apps', 'delete', 'greet');
  expect(await app()).toBeUndefined();
});

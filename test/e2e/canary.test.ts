import { randomBytes } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { statusSchema } from '../../emulator/wire/status.ts';
import { type Emulator, minifalCommand, startEmulator } from '../support/emulator.ts';
import { type FalServer, startFalServer } from '../support/fal-server.ts';
import { filesWith } from '../support/files-with.ts';
import { call, owner, submit } from '../support/http.ts';
import { mustRun } from '../support/process.ts';
import { argumentsWith, environmentsWith } from '../support/procfs.ts';
import { createProject, type Project } from '../support/project.ts';
import { type PythonTools, pythonTools } from '../support/python.ts';
import { until } from '../support/wait.ts';

/** Ways for a running app to leak a secret: Python code that gets it as `value`. */
const ways = {
  PRINTED: 'print("value is", value)',
  STDERR: 'print(value, file=sys.stderr)',
  LOGGED: 'logging.getLogger("app").warning("with %s", value)',
  JSON: 'print(json.dumps({"token": value}))',
  REPR: 'print([value])',
  DUMPED: 'print(dict(os.environ))',
  BY_LINE: 'print(*value.splitlines(), sep="\\n")',
  IN_THREAD: 't = threading.Thread(target=print, args=(value,)); t.start(); t.join()',
  IN_CHILD: 'subprocess.run(["printenv", "IN_CHILD"])',
  NATIVE: 'os.write(1, value.encode() + b"\\n")',
  IN_URL: 'print("GET /?token=" + urllib.parse.quote(value, safe=""))',
  IN_FORM: 'print(urllib.parse.urlencode({"token": value}))',
  JSON_IN_JSON: 'print(json.dumps({"body": json.dumps({"token": value})}))',
  REPR_OF_BYTES: 'print([value.encode()])',
  IN_COMMAND: 'print(shlex.join(["curl", "-H", "Authorization: Key " + value]))',
  IN_TRACE: 'subprocess.run(["bash", "-xc", "true $IN_TRACE"])',
  IN_PAGE: 'print(html.escape(value))',
  IN_BASE64: 'print("Basic " + base64.b64encode(("me:" + value).encode()).decode())',
  AT_CUT: 'print("x" * (64 * 1024 - 20) + value)',
  IN_PARTS: 'sys.stdout.write(value[:9]); sys.stdout.flush(); print(value[9:])',
  COLOURED: 'print("\\x1b[31m" + value + "\\x1b[0m")',
  WARNED: 'warnings.warn(value)',
  RAISED: 'raise ValueError(value)',
  CHANGED: 'print("before it was", value)',
  DELETED: 'print("once there was", value)',
} as const;
type Way = keyof typeof ways;
const names = Object.keys(ways) as Way[];

/** Ways to leak a secret from an app that doesn't start, from a function, and from a build. */
const others = ['IN_SETUP', 'AT_EXIT', 'IN_FUNCTION', 'REQUIRED'] as const;

const app = (name: string, body: string, more = '') => `
class ${name}(fal.App, keep_alive=300):
    machine_type = "XS"
${more}
${body}
`;
const setup = (line: string) => `    def setup(self):\n        ${line}\n${endpoint('return {}')}`;
const endpoint = (line: string) =>
  `    @fal.endpoint("/")\n    def look(self, input: Input) -> dict:\n        ${line}\n`;

const wheel = `https://u:$\{REQUIRED}@127.0.0.1:1/nothing-1.0-py3-none-any.whl`;

const source = `
import os, sys

import fal
from pydantic import BaseModel


class Input(BaseModel):
    way: str = ""


WAYS = ${JSON.stringify(ways)}
IMPORTS = "import base64, html, json, logging, os, shlex, subprocess, sys, threading, urllib.parse, warnings\\n"

${app('Leaky', endpoint('value = os.environ[input.way]; exec(IMPORTS + WAYS[input.way]); return {}'))}
${app('Failing', setup('raise RuntimeError("\\x1b]0;owned\\x07" + os.environ["IN_SETUP"])'))}
${app('Exiting', setup('sys.exit("could not use " + os.environ["AT_EXIT"])'))}
${app('Requiring', endpoint('return {}'), `    requirements = ["nothing @ ${wheel}"]`)}

@fal.function(machine_type="XS")
def function():
    raise ValueError("with " + os.environ["IN_FUNCTION"])
`;

/** Contains characters that JSON, Python and URLs escape. */
const planted = (name: string) => `canary-${name.toLowerCase()}-"it's"/ü&\\${randomBytes(8).toString('hex')}`;
const values: { readonly [name: string]: string } = Object.fromEntries([
  ...names.map((name) => [name, name === 'BY_LINE' ? `${planted('first')}\n${planted('second')}` : planted(name)]),
  ...others.map((name) => [name, name === 'REQUIRED' ? `canary-${randomBytes(8).toString('hex')}` : planted(name)]),
]);
/** The parts of the values that no escaping changes, and the base64 form of a value after `me:`. */
const marks = [
  Buffer.from(`me:${values.IN_BASE64}`).toString('base64').slice(4, -4),
  ...(Object.values(values)
    .join('\n')
    .match(/[0-9a-f]{16}/g) ?? []),
];

let tools: PythonTools;
let project: Project;
let emulator: Emulator;
let line: FalServer;
let account: string;
/** The output of the command line. */
let printed = '';

async function fal(...args: readonly string[]): Promise<number | null> {
  const { code, stdout, stderr } = await line.fal(args);
  printed += stdout + stderr;
  return code;
}

async function deploy(name: string): Promise<number | null> {
  return fal('deploy', `apps.py::${name}`, '--app-name', name.toLowerCase(), '--strategy', 'recreate');
}

async function leak(way: Way): Promise<number> {
  const response = await call(emulator, 'run', `/${account}/leaky`, { body: { way } });
  await response.arrayBuffer();
  return response.status;
}

async function status() {
  return statusSchema.parse(await (await call(emulator, 'api', '/minifal/status')).json());
}

async function logged(): Promise<readonly string[]> {
  const lines = z.array(z.object({ message: z.string() }));
  const answer = await call(emulator, 'api', '/logs/?limit=1000');
  return lines.parse(await answer.json()).map(({ message }) => message);
}

const isMasked = (message: string) => message.includes('********');

const minifalStatus = (...args: readonly string[]) =>
  mustRun(process.execPath, [minifalCommand, 'status', ...args, '--data', emulator.dataDir]);

beforeAll(async () => {
  tools = await pythonTools();
  project = await createProject(tools, { env: process.env }, { 'apps.py': source });
  emulator = await startEmulator();
  line = startFalServer(tools, emulator.env, project.folder);
  account = await owner(emulator);
  for (const [name, value] of Object.entries(values)) expect(await fal('secrets', 'set', `${name}=${value}`)).toBe(0);
});
afterAll(async () => {
  line?.close();
  await emulator?.stop();
  await project?.remove();
});

describe('a secret that an app leaks', () => {
  it.each(names)('%s is hidden in its log', async (way) => {
    if (way === 'PRINTED') expect(await deploy('Leaky')).toBe(0);
    if (way === 'CHANGED') expect(await fal('secrets', 'set', 'CHANGED=another-value')).toBe(0);
    if (way === 'DELETED') expect(await fal('secrets', 'unset', 'DELETED')).toBe(0);
    const before = (await logged()).filter(isMasked).length;
    expect(await leak(way)).toBe(way === 'RAISED' ? 500 : 200);
    const found = await until('its line is in the log', async () => {
      const messages = await logged();
      return messages.filter(isMasked).length > before ? messages : undefined;
    });
    expect(marks.filter((mark) => found.some((message) => message.includes(mark)))).toEqual([]);
  });

  it.each([
    ['IN_SETUP', 'Failing'],
    ['AT_EXIT', 'Exiting'],
  ])('%s is hidden in the reason why it does not start', async (_, name) => {
    expect(await deploy(name)).toBe(0);
    await submit(emulator, `${account}/${name.toLowerCase()}`, {});
    const why = await until('the start failed', async () =>
      (await status()).waiting.find(({ alias, why }) => alias === name.toLowerCase() && why.includes('exited with')),
    );
    if (name === 'Failing') expect(why.why).toContain('********');
    // Escape sequences of an app don't reach a terminal.
    expect((await minifalStatus()) + (await minifalStatus('--json'))).not.toContain('\x1b');
  });

  it('IN_FUNCTION is hidden where its exception is shown', async () => {
    const { stdout, stderr } = await line.fal(['run', 'apps.py::function']);
    // The exception itself is the function's answer to its caller.
    expect(stdout + stderr).toContain('with canary-in_function');
  });

  it('REQUIRED is never an argument of the installer, nor shown when that fails', async () => {
    const seen = new Set<number>();
    let over = false;
    const deployed = deploy('Requiring').finally(() => {
      over = true;
    });
    while (!over) {
      for (const pid of argumentsWith(values.REQUIRED ?? '')) seen.add(pid);
      await setImmediate();
    }
    expect([await deployed, [...seen]]).toEqual([1, []]);
    expect(printed).toContain('nothing');
  });
});

it('no secret and no key is in a file, an argument, an environment, or what the commands print', async () => {
  for (const name of ['leaky', 'failing', 'exiting']) await fal('apps', 'runners', name);
  await fal('runners', 'list', '--json');
  await fal('apps', 'list', '--json');
  await fal('secrets', 'list', '--json');
  const shown = [printed, emulator.logText(), await minifalStatus(), await minifalStatus('--json')].join('\n');
  const keySecret = emulator.authorization.split(':')[1] ?? '';
  const hidden = [...marks, keySecret];
  expect(hidden.filter((mark) => shown.includes(mark))).toEqual([]);
  expect(hidden.filter((mark) => argumentsWith(mark).length > 0)).toEqual([]);
  // A runner gets its copy at its fork, so it is never in the initial environment of a process.
  expect(marks.filter((mark) => environmentsWith(mark).length > 0)).toEqual([]);
  // Clients read the key from its file.
  const files = await filesWith(hidden, emulator.dataDir);
  expect(files.filter((file) => !file.endsWith('/key'))).toEqual([]);
});

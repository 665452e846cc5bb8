import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { falPackages } from '../../emulator/local/fal-packages.ts';
import { pythonNames } from '../../emulator/local/python-versions.ts';
import { toolEnvironment } from '../../emulator/local/uv/tool-env.ts';
import { debianPython } from '../support/debian-python.ts';
import { type Debugged, debugged } from '../support/debugged.ts';
import { type Emulator, startEmulator } from '../support/emulator.ts';
import { owner } from '../support/http.ts';
import { isMissing } from '../support/needs.ts';
import { mustRun, run } from '../support/process.ts';
import { cacheDir } from '../support/root.ts';
import { findUv } from '../support/uv.ts';
import { until } from '../support/wait.ts';

/**
 * Every supported Python on PATH, newest first; in the long form the newest one also if it isn't there.
 * docs/python-versions.md was made with this file, one interpreter after the other first on PATH.
 */
const pythons = await findAll();

/** MINIFAL_FAL sets another release of the SDK. */
const packages = process.env.MINIFAL_FAL ? [`fal==${process.env.MINIFAL_FAL}`, falPackages[1]] : falPackages;

const program = `
import sys

import fal


@fal.function(machine_type="XS")
def add():
    class Point:
        x = 41

    return Point.x + 1, "%d.%d" % sys.version_info[:2]


print(add())
`;

const app = `
import enum
import sys
from typing import Literal, Optional

import fal
from pydantic import BaseModel, Field


class Color(str, enum.Enum):
    red = "red"


class Input(BaseModel):
    name: str = Field(examples=["y"])
    color: Color = Color.red
    kind: Literal["a", "b"] = "a"
    count: Optional[int] = None


class Output(BaseModel):
    text: str
    color: Color
    python: str


shout = lambda text: text.upper()


class Versions(fal.App):
    app_name = "versions"
    machine_type = "XS"

    def setup(self):
        self.words = {"loaded": shout("loaded")}

    @fal.endpoint("/")
    def read(self, input: Input) -> Output:
        text = self.words["loaded"] + " " + input.name
        return Output(text=text, color=input.color, python="%d.%d" % sys.version_info[:2])  # in read
`;

const call = 'import sys, fal_client; print(fal_client.subscribe(sys.argv[1], {"name": "y"}))';

describe.each(pythons)('fal with Python $version', ({ python, version }) => {
  let folder: string;
  let emulator: Emulator;
  let env: NodeJS.ProcessEnv;
  let on: Debugged;
  const tool = (name: string) => join(folder, 'venv', 'bin', name);
  const options = () => ({ env, cwd: folder, timeoutMs: 120_000 });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'minifal-python-'));
    const uv = await findUv();
    const uvEnv = toolEnvironment(process.env, { spareCache: join(cacheDir, 'uv-cache') });
    await mustRun(uv, ['venv', '--quiet', '--python', python, join(folder, 'venv')], { env: uvEnv });
    await mustRun(uv, ['pip', 'install', '--quiet', '--python', tool('python'), ...packages], { env: uvEnv });
    await mkdir(join(folder, 'home'));
    await writeFile(join(folder, 'home', 'config.toml'), 'check_updates = false\n');
    await writeFile(join(folder, 'program.py'), program);
    await writeFile(join(folder, 'app.py'), app);
    const path = `${dirname(python)}${delimiter}${process.env.PATH}`;
    emulator = await startEmulator({ env: { PATH: path, MINIFAL_UV: uv } });
    env = {
      ...emulator.env,
      PATH: `${join(folder, 'venv', 'bin')}${delimiter}${path}`,
      FAL_HOME_DIR: join(folder, 'home'),
      FAL_CONFIG_PATH: join(folder, 'home', 'config.toml'),
      COLUMNS: '10000',
      TZ: 'UTC',
    };
    on = debugged(emulator, folder);
  });

  afterAll(async () => {
    await on?.close();
    await emulator?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('calls a function in a runner of the same version', async () => {
    const printed = await mustRun(tool('python'), ['program.py'], options());
    expect(printed.trim().split('\n').at(-1)).toBe(`(42, '${version}')`);
  });

  it('deploys and serves an app', async () => {
    await mustRun(tool('fal'), ['deploy', 'app.py::Versions'], options());
    const args = ['-W', 'ignore', '-c', call, `${await owner(emulator)}/versions`];
    expect((await mustRun(tool('python'), args, options())).trim()).toBe(
      `{'text': 'LOADED y', 'color': 'red', 'python': '${version}'}`,
    );
  });

  it('attaches a debugger to the runner that serves, which then stops in a queued call', async () => {
    const id = await on.runnerOf('versions');
    const dap = await on.attach(id, { 'app.py': ['read'] });
    const path = `/${await owner(emulator)}/versions`;
    const queued = await on.send('POST', path, { name: 'z' }, emulator.ports.queue);
    const stop = await dap.stopped();
    expect(stop).toMatchObject({ file: join(folder, 'app.py'), line: await on.lineOf('read') });
    expect((await dap.variables(stop.id)).get('text')).toBe("'LOADED z'");
    await dap.resume(stop.threadId);
    const result = await until('the call is answered', async () => {
      const response = await on.asOwner(`${path}/requests/${queued.body.request_id}`, {}, emulator.ports.queue);
      return response.status === 200 && ((await response.json()) as object);
    });
    expect(result).toMatchObject({ text: 'LOADED z', python: version });
    await dap.detach();
    await on.untilDebug(id, null);
    expect(await on.runnersOf('versions')).toEqual([id]);
  });
});

async function findAll(): Promise<readonly { readonly python: string; readonly version: string }[]> {
  const question = 'import sys; print(sys.executable, "%d.%d" % sys.version_info[:2])';
  const answers = await Promise.all(
    pythonNames.map((name) => run(name, ['-c', question]).catch(() => ({ code: 1, stdout: '' }))),
  );
  if (process.env.MINIFAL_SLOW && answers[0]?.code !== 0) {
    const [name = ''] = pythonNames;
    const bin = await debianPython(name);
    if (!isMissing(bin, `${name}: it is neither on PATH, nor are Debian's packages`) && bin !== undefined)
      answers.unshift(await run(join(bin, name), ['-c', question]));
  }
  return answers.flatMap(({ code, stdout }) => {
    const [python, version] = stdout.trim().split(' ');
    return code === 0 && python && version ? [{ python, version }] : [];
  });
}

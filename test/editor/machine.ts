import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { findRunning, type RunningEmulator } from '../../emulator/local/data-folder.ts';
import type { Settings, VsCodeOptions } from '../lab/vscode.ts';
import { minifalCommand } from '../support/emulator.ts';
import { mustRun } from '../support/process.ts';
import { pythonTools } from '../support/python.ts';
import { root } from '../support/root.ts';
import { findUv } from '../support/uv.ts';
import { until } from '../support/wait.ts';

export interface MachineOptions {
  /**
   * The content of the folder: the demo and a slow app (default), nothing, or no folder at all. `two`: next to the
   * default folder, a second folder `other`, whose app can be found only from there.
   */
  readonly folder?: 'apps' | 'two' | 'empty' | 'none';
  readonly settings?: Settings;
  /** The data folder's disk is full. */
  readonly fullDisk?: boolean;
  readonly env?: NodeJS.ProcessEnv;
}

/** A developer's machine: a folder with apps, Python with fal's tools, a data folder of its own. */
export interface Machine {
  /** The environment for VS Code on this machine. */
  readonly options: VsCodeOptions;
  readonly workspace: string;
  readonly dataDir: string;
  /** Interpreter that has fal_client. */
  readonly python: string;
  /** `python caller APP JSON [FILE]` calls an app; the result goes to standard output and into the file. */
  readonly caller: string;
  /** Resolves with the running emulator, whatever started it, once it listens. */
  emulator(): Promise<RunningEmulator>;
  /** Resolves once nothing runs on the data folder. */
  emulatorIsGone(): Promise<void>;
  /** Calls an app with the real fal_client from outside the editor; resolves with the result. */
  call(app: string, input: object): Promise<unknown>;
  /** Stops a remaining emulator, and removes everything. */
  remove(): Promise<void>;
}

/** Long enough in each state for an eye (and for the editor, which draws a tree at most five times a second). */
const slowApp = `
import time

import fal
from pydantic import BaseModel


class Input(BaseModel):
    seconds: float


class Output(BaseModel):
    slept: float


class Slow(fal.App):
    app_name = "slow"
    machine_type = "XS"
    keep_alive = 60

    def setup(self):
        time.sleep(2)

    @fal.endpoint("/")
    def sleep(self, input: Input) -> Output:
        time.sleep(input.seconds)
        return Output(slept=input.seconds)
`;

/** In a file with the same name as the demo's, next to a module. */
const otherApp = `
import fal
from sibling import message
from pydantic import BaseModel


class Output(BaseModel):
    message: str


class Other(fal.App):
    app_name = "other"
    machine_type = "XS"
    local_python_modules = ["sibling"]
    keep_alive = 60

    @fal.endpoint("/")
    def read(self) -> Output:
        return Output(message=message)
`;

const callerSource = `
import json, sys
import fal_client
result = json.dumps(fal_client.subscribe(sys.argv[1], json.loads(sys.argv[2])))
print(result)
if len(sys.argv) > 3:
    with open(sys.argv[3], "w") as file:
        file.write(result + "\\n")
`;

export async function makeMachine(options: MachineOptions = {}): Promise<Machine> {
  const tools = await pythonTools();
  const folder = await mkdtemp(join(tmpdir(), 'minifal-editor-'));
  const workspace = join(folder, 'project');
  const dataDir = join(folder, 'data');
  if (options.fullDisk) await mkdir(dataDir);
  const caller = join(folder, 'call.py');
  await writeFile(caller, callerSource);
  const opened = await makeWorkspace(workspace, options.folder ?? 'apps');
  const home = join(folder, 'home');
  await mkdir(join(home, '.fal'), { recursive: true });
  await writeFile(join(home, '.fal', 'config.toml'), 'check_updates = false\n');

  const emulatorIsGone = async () => {
    await until('the emulator is gone', () => findRunning(dataDir) === undefined, { timeoutMs: 90_000 });
  };
  return {
    options: {
      workspace: opened,
      settings: {
        'minifal.dataFolder': dataDir,
        'minifal.port': 0,
        'minifal.pythonPath': tools.python,
        ...options.settings,
      },
      ...(options.fullDisk ? { fullDisk: dataDir } : {}),
      env: { HOME: home, MINIFAL_UV: await findUv(), ...options.env },
    },
    workspace,
    dataDir,
    python: tools.python,
    caller,
    emulator: () => until('an emulator runs', () => findRunning(dataDir), { timeoutMs: 90_000 }),
    emulatorIsGone,
    async call(app, input) {
      const args = [minifalCommand, 'env', '--data', dataDir, '--format', 'json'];
      const variables: NodeJS.ProcessEnv = JSON.parse(await mustRun(process.execPath, args));
      const env = tools.env({ ...process.env, ...variables });
      return JSON.parse(await mustRun(tools.python, ['-W', 'ignore', caller, app, JSON.stringify(input)], { env }));
    },
    async remove() {
      const left = findRunning(dataDir);
      if (left) process.kill(left.pid, 'SIGTERM');
      await emulatorIsGone();
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** @returns what a window opens */
async function makeWorkspace(
  workspace: string,
  content: NonNullable<MachineOptions['folder']>,
): Promise<string | undefined> {
  await mkdir(workspace);
  if (content === 'none') return undefined;
  if (content === 'empty') return workspace;
  await cp(join(root, 'templates', 'hello'), workspace, { recursive: true });
  await writeFile(join(workspace, 'slow.py'), slowApp);
  if (content === 'apps') return workspace;
  const other = join(dirname(workspace), 'other');
  await mkdir(other);
  await writeFile(join(other, 'app.py'), otherApp);
  await writeFile(join(other, 'sibling.py'), 'message = "from sibling"\n');
  const file = join(dirname(workspace), 'both.code-workspace');
  await writeFile(file, JSON.stringify({ folders: [{ path: workspace }, { path: other }] }));
  return file;
}

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Emulator } from './emulator.ts';
import type { Finished, Running } from './process.ts';
import { run, start } from './process.ts';
import type { PythonTools } from './python.ts';

/** An app that returns its number after a delay, and prints each step. */
export const echoApp = `
import asyncio

import fal
from pydantic import BaseModel


class Input(BaseModel):
    number: int
    seconds: float = 0


class Output(BaseModel):
    number: int


class Echo(fal.App, keep_alive=60, max_concurrency=2, max_multiplexing=4):
    machine_type = "XS"

    @fal.endpoint("/")
    async def echo(self, input: Input) -> Output:
        print(f"echo {input.number}", flush=True)
        await asyncio.sleep(input.seconds)
        return Output(number=input.number)
`;

/** A project folder, with the real tools pointing at one emulator. */
export interface Project {
  readonly folder: string;
  /** Runs `fal ...` to its end. */
  fal(...args: readonly string[]): Promise<Finished>;
  /** Like `fal`, and an exit code other than 0 is an error. Returns stdout. */
  mustFal(...args: readonly string[]): Promise<string>;
  /** `mustFal` in another folder. */
  falIn(cwd: string, ...args: readonly string[]): Promise<string>;
  /** Starts `fal ...` and leaves it running. */
  startFal(...args: readonly string[]): Running;
  /** Runs a Python program in the folder, with the SDK and the clients installed. */
  python(source: string, ...args: readonly string[]): Promise<Finished>;
  /** Like `python`, for programs that print one JSON value on their last line. */
  pythonJson(source: string, ...args: readonly string[]): Promise<unknown>;
  remove(): Promise<void>;
}

export async function createProject(
  tools: PythonTools,
  emulator: Pick<Emulator, 'env'>,
  files: { readonly [name: string]: string },
): Promise<Project> {
  const folder = await mkdtemp(join(tmpdir(), 'minifal-project-'));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  const env = tools.env(emulator.env);
  const options = { cwd: folder, env };
  const fal = (...args: readonly string[]) => run(tools.python, ['-m', 'fal', ...args], options);
  let programs = 0;
  const python = async (source: string, ...args: readonly string[]) => {
    // A file, because the SDK asks where the functions that it pickles come from.
    const file = join(folder, `program_${++programs}.py`);
    await writeFile(file, source);
    return run(tools.python, ['-W', 'ignore', file, ...args], options);
  };
  return {
    folder,
    fal,
    async mustFal(...args) {
      return succeeded(`fal ${args.join(' ')}`, await fal(...args));
    },
    async falIn(cwd, ...args) {
      const done = await run(tools.python, ['-m', 'fal', ...args], { ...options, cwd });
      return succeeded(`fal ${args.join(' ')}`, done);
    },
    startFal: (...args) => start(tools.python, ['-m', 'fal', ...args], options),
    python,
    async pythonJson(source, ...args) {
      const lines = succeeded('the Python program', await python(source, ...args))
        .trim()
        .split('\n');
      return JSON.parse(lines.at(-1) ?? '');
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** The JSON value on the last line; `fal` prints tips before it. */
export function lastJson(output: string) {
  return JSON.parse(output.trim().split('\n').at(-1) ?? '');
}

function succeeded(what: string, done: Finished): string {
  if (done.code === 0) return done.stdout;
  throw new Error(`${what} ended with ${done.code}:\n${done.stdout}\n${done.stderr}`);
}

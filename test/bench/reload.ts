import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { minifalCommand, startEmulator } from '../support/emulator.ts';
import { freePortBlock } from '../support/ports.ts';
import { type Running, start } from '../support/process.ts';
import { processTree } from '../support/procfs.ts';
import { pythonTools } from '../support/python.ts';
import { until } from '../support/wait.ts';
import { installServers } from './servers-env.ts';
import { median, show } from './stats.ts';

const others = ['litserve==0.2.19', 'bentoml==1.4.39', 'jurigged==0.6.1'];

/** The same app for each kind of server; `setup` in seconds, and what it answers. */
const apps = {
  fal: (setup: number, answer: string) => `import time

import fal
from pydantic import BaseModel


class Input(BaseModel):
    name: str


class Demo(fal.App, keep_alive=600):
    machine_type = "XS"

    def setup(self):
        time.sleep(${setup})

    @fal.endpoint("/")
    def main(self, input: Input) -> dict:
        return {"message": f"${answer}, {input.name}!"}
`,
  fastapi: (setup: number, answer: string) => `import sys
import time
from contextlib import asynccontextmanager

from fastapi import FastAPI
from pydantic import BaseModel


class Input(BaseModel):
    name: str


@asynccontextmanager
async def setup(_):
    time.sleep(${setup})
    yield


app = FastAPI(lifespan=setup)


@app.post("/")
def main(input: Input) -> dict:
    return {"message": f"${answer}, {input.name}!"}


if __name__ == "__main__":
    import uvicorn

    uvicorn.run(app, port=int(sys.argv[1]))
`,
  litserve: (setup: number, answer: string) => `import sys
import time

import litserve as ls


class Demo(ls.LitAPI):
    def setup(self, device):
        time.sleep(${setup})

    def decode_request(self, request):
        return request["name"]

    def predict(self, name):
        return {"message": f"${answer}, {name}!"}

    def encode_response(self, output):
        return output


if __name__ == "__main__":
    ls.LitServer(Demo(api_path="/"), accelerator="cpu").run(
        host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False
    )
`,
  bentoml: (setup: number, answer: string) => `import time

import bentoml


@bentoml.service
class service:
    def __init__(self):
        time.sleep(${setup})

    @bentoml.api(route="/")
    def main(self, name: str) -> dict:
        return {"message": f"${answer}, {name}!"}
`,
};

/** A server on a folder with `app.py`, and how it gets a save. */
interface Variant {
  readonly name: string;
  readonly app: keyof typeof apps;
  /** Starts it; resolves with the address of the app. */
  readonly begin: (folder: string) => Promise<{ readonly server: Running; readonly url: string }>;
  /** It doesn't notice saves: it is killed and started again. */
  readonly isRestarted?: true;
  readonly goal?: { readonly ms: number; readonly beyondSetup: boolean };
}

/**
 * The time from the save of a changed endpoint to its first correct answer, for an app whose setup() sleeps. Goals:
 * 300 ms where the running app is changed, setup() and 500 ms where it is restarted. Left out: `uvicorn-hmr`, which
 * wants Python 3.12, and `cog`, which needs a Docker daemon.
 */
export async function benchReload(sizes: { readonly edits: number; readonly setupSeconds: number }): Promise<void> {
  const { edits, setupSeconds } = sizes;
  const emulator = await startEmulator();
  const { python, env } = await pythonTools();
  const bin = await installServers(others);
  const theirs = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}`, BENTOML_DO_NOT_TRACK: 'true' };
  const here = async (
    cwd: string,
    port: number,
    program: string,
    args: readonly string[],
    environment: NodeJS.ProcessEnv = theirs,
  ) => ({
    server: start(program, args, { cwd, env: environment }),
    url: `http://127.0.0.1:${port}/`,
  });
  const minifal = async (cwd: string, ...options: readonly string[]) => {
    const args = ['run', '--data', emulator.dataDir, '--python', python, '--watch', ...options, 'app.py::Demo'];
    const server = start(process.execPath, [minifalCommand, ...args], { cwd, env: env(process.env) });
    const address = new RegExp(`//localhost:${emulator.ports.run}(/[\\w-]+/[\\w-]+)`);
    const path = await until(
      'the app is watched',
      () => (/Watching/.test(server.output()) ? address.exec(server.output())?.[1] : undefined),
      { timeoutMs: 120_000 },
    );
    return { server, url: `http://localhost:${emulator.ports.run}${path}` };
  };
  const variants: readonly Variant[] = [
    { name: 'minifal run --watch', app: 'fal', begin: minifal, goal: { ms: 300, beyondSetup: false } },
    {
      name: 'minifal run --watch --no-swap',
      app: 'fal',
      begin: (folder) => minifal(folder, '--no-swap'),
      goal: { ms: 500, beyondSetup: true },
    },
    {
      name: 'jurigged (uvicorn)',
      app: 'fastapi',
      async begin(folder) {
        const port = await freePortBlock();
        return here(folder, port, join(bin, 'jurigged'), ['app.py', String(port)]);
      },
    },
    {
      name: 'uvicorn --reload',
      app: 'fastapi',
      async begin(folder) {
        const port = await freePortBlock();
        return here(folder, port, join(bin, 'uvicorn'), ['app:app', '--reload', '--port', String(port)]);
      },
    },
    {
      name: 'bentoml serve --reload',
      app: 'bentoml',
      async begin(folder) {
        const port = await freePortBlock();
        const args = ['serve', 'app:service', '--reload', '--host', '127.0.0.1', '--port', String(port)];
        return here(folder, port, join(bin, 'bentoml'), args);
      },
    },
    {
      name: 'litserve, restarted',
      app: 'litserve',
      isRestarted: true,
      async begin(folder) {
        const port = await freePortBlock();
        return here(folder, port, join(bin, 'python'), ['app.py', String(port)]);
      },
    },
    {
      name: 'fal run --local, restarted',
      app: 'fal',
      isRestarted: true,
      async begin(folder) {
        const port = await freePortBlock();
        const exposed = ['--exposed-port', String(port), '--exposed-metrics-port', String(port + 1)];
        return here(
          folder,
          port,
          python,
          ['-m', 'fal', 'run', '--local', ...exposed, 'app.py::Demo'],
          env(process.env),
        );
      },
    },
  ];
  try {
    for (const variant of variants) await measure(variant, edits, setupSeconds);
  } finally {
    await emulator.stop();
  }
}

async function measure(variant: Variant, edits: number, setupSeconds: number): Promise<void> {
  const { name, app, begin, isRestarted, goal } = variant;
  const folder = mkdtempSync(join(tmpdir(), 'minifal-bench-'));
  const file = join(folder, 'app.py');
  /** In place, as VS Code does: `jurigged` doesn't notice a save by renaming. */
  const save = (answer: string): void => {
    writeFileSync(file, apps[app](setupSeconds, answer));
  };
  const times: number[] = [];
  let missing = 0;
  save('v0');
  let { server, url } = await begin(folder);
  try {
    await answers(url, 'v0', 120_000);
    for (let edit = 1; edit <= edits; edit++) {
      // As a person does; and a file's time in seconds differs.
      await delay(1_100);
      const began = performance.now();
      save(`v${edit}`);
      if (isRestarted) {
        await kill(server);
        ({ server, url } = await begin(folder));
      }
      if (await answers(url, `v${edit}`, setupSeconds * 1_000 + 20_000)) times.push(performance.now() - began);
      else missing++;
    }
  } finally {
    await kill(server);
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
  const correct = `${times.length} of ${edits} correct`;
  if (times.length === 0) {
    console.log(`  ${name.padEnd(32)} no correct answer in time  ${correct}`);
    return;
  }
  const limit = goal && goal.ms + (goal.beyondSetup ? setupSeconds * 1_000 : 0);
  const word = limit === undefined ? '' : `  (goal: at most ${limit})  ${median(times) <= limit ? 'met' : 'MISSED'}`;
  console.log(`  ${name.padEnd(32)} ${show(times, 0)} ms  ${correct}${word}`);
  if (missing > 0) console.error(`    ${missing} without a correct answer in time`);
}

/** Calls until the answer is the wanted one; `false`: it isn't in time. */
async function answers(url: string, answer: string, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  const init = { method: 'POST', body: '{"name":"x"}', headers: { 'content-type': 'application/json' } };
  while (performance.now() < deadline) {
    try {
      const response = await fetch(url, { ...init, signal: AbortSignal.timeout(timeoutMs) });
      if ((await response.text()).includes(`"${answer}, x!"`)) return true;
    } catch {
      // It is starting.
    }
    await delay(5);
  }
  return false;
}

/** Not by its group: some servers put their workers into sessions of their own. */
async function kill(server: Running): Promise<void> {
  for (const pid of server.pid === undefined ? [] : processTree(server.pid)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // it has ended
    }
  }
  await server.finished;
}

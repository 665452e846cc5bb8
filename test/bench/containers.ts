// Scale 0 -> 1 of apps in a built image, compared with `docker run` of the same image.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { connectEngine } from '../../emulator/local/docker/connect.ts';
import { labelFilter, ownerLabel, ownerOf } from '../../emulator/local/docker/labels.ts';
import {
  baseImage,
  engineEnv,
  engineProgram,
  isEngineMissing,
  startContainerEngine,
  stopContainerEngine,
} from '../support/container-engine.ts';
import { type Emulator, startEmulator } from '../support/emulator.ts';
import { freePortBlock } from '../support/ports.ts';
import { mustRun, start } from '../support/process.ts';
import { createProject, type Project } from '../support/project.ts';
import { pythonTools } from '../support/python.ts';
import { firstAnswer, nothingRuns } from './scale.ts';
import { median, show } from './stats.ts';

const setupMs = 1_000;
const goalMs = 300;
const containerPort = 8000;

/** A server without any framework, which is the image's own command. */
const server = `
import json, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        name = json.loads(self.rfile.read(int(self.headers["content-length"])))["name"]
        body = json.dumps({"message": f"Hello, {name}!"}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.send_response(404)
        self.end_headers()

    def log_message(self, *args):
        pass

time.sleep(1)
ThreadingHTTPServer(("0.0.0.0", ${containerPort}), Handler).serve_forever()
`;
/** What a developer would write without fal: the framework that the SDK's apps use, too. */
const framework = `
import time
import fastapi, pydantic, uvicorn

class Input(pydantic.BaseModel):
    name: str

app = fastapi.FastAPI()

@app.post("/")
def hello(input: Input):
    return {"message": f"Hello, {input.name}!"}

time.sleep(1)
uvicorn.run(app, host="0.0.0.0", port=${containerPort}, log_level="error")
`;
const dockerfile = `FROM ${baseImage}
COPY server.py framework.py /
CMD ["python3", "/server.py"]
`;
const files = {
  'server.py': server,
  'framework.py': framework,
  Dockerfile: dockerfile,
  'pyproject.toml': `
[tool.fal.apps.plain]
auth = "private"
exposed_port = ${containerPort}
keep_alive = 2

[tool.fal.apps.plain.image]
dockerfile = "Dockerfile"
`,
  'app.py': `
import time

import fal
from fal.container import ContainerImage
from pydantic import BaseModel


class Input(BaseModel):
    name: str


class Output(BaseModel):
    message: str


class Inside(fal.App, keep_alive=2, name="inside", image=ContainerImage.from_dockerfile("Dockerfile")):
    machine_type = "XS"

    def setup(self):
        time.sleep(1)

    @fal.endpoint("/")
    def hello(self, input: Input) -> Output:
        return Output(message=f"Hello, {input.name}!")
`,
};
const imagesSchema = z.array(z.object({ RepoTags: z.array(z.string()).min(1) }));

/**
 * The time from nothing running to the first correct answer, without the second that each variant sleeps at its start.
 * Goal: at most 0.3 s more than `docker run`, for the image as it is, and for a class in it.
 */
export async function benchContainers({ rounds }: { readonly rounds: number }): Promise<void> {
  if (isEngineMissing()) return;
  process.env.MINIFAL_TEST_RUN ??= String(process.pid);
  const dataDir = mkdtempSync(join(tmpdir(), 'minifal-bench-'));
  let emulator: Emulator | undefined;
  let project: Project | undefined;
  try {
    await startContainerEngine();
    emulator = await startEmulator({ dataDir, env: engineEnv });
    project = await createProject(await pythonTools(), emulator, files);
    await project.mustFal('deploy', 'plain');
    await project.mustFal('deploy', 'app.py::Inside', '--auth', 'private');
    await compare(emulator, rounds);
  } finally {
    await emulator?.stop();
    await project?.remove();
    await stopContainerEngine();
    rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function compare(emulator: Emulator, rounds: number): Promise<void> {
  const image = await builtImage(emulator.dataDir);
  const packages = packagesWith('uvicorn', join(emulator.dataDir, 'agents'));
  const throughMinifal = async (app: string): Promise<number> => {
    await nothingRuns(emulator);
    return firstAnswer(emulator.ports.run, `/local/${app}`, { authorization: emulator.authorization });
  };
  const withPackages = ['--volume', `${packages}:/packages:ro`, '--env', 'PYTHONPATH=/packages'];
  const asItIs = { docker: 'docker run', minifal: 'minifal, as it is' };
  const isolated = { docker: 'docker run, with FastAPI', minifal: 'minifal, a class in it' };
  const variants: { readonly [name: string]: () => Promise<number> } = {
    [asItIs.docker]: () => dockerRun([image]),
    [asItIs.minifal]: () => throughMinifal('plain'),
    [isolated.docker]: () => dockerRun([...withPackages, image, 'python3', '/framework.py']),
    [isolated.minifal]: () => throughMinifal('inside'),
  };
  const times = new Map(Object.keys(variants).map((name) => [name, [] as number[]]));
  // Once more than is counted, so that everything is compiled and in memory.
  for (let round = 0; round <= rounds; round++) {
    for (const [name, measure] of Object.entries(variants)) {
      const ms = (await measure()) - setupMs;
      console.error(`    ${name}: ${ms.toFixed(0)} ms`);
      if (round > 0) times.get(name)?.push(ms);
    }
  }
  for (const [name, beyond] of times) {
    console.log(`  ${name.padEnd(28)} +${show(beyond, 0)} ms  n=${beyond.length}`);
  }
  for (const { docker, minifal } of [asItIs, isolated]) {
    const more = median(times.get(minifal) ?? []) - median(times.get(docker) ?? []);
    const word = more <= goalMs ? 'met' : 'MISSED';
    console.log(`  ${minifal} - ${docker}: ${more.toFixed(0)} ms  (goal: at most ${goalMs})  ${word}`);
  }
}

/** The first answer of a container that the command line starts, which is removed. */
async function dockerRun(args: readonly string[]): Promise<number> {
  const port = await freePortBlock();
  const name = `minifal-bench-${port}`;
  const options = { env: { ...process.env, ...engineEnv } };
  const docker = engineProgram('docker');
  const began = performance.now();
  const running = start(
    docker,
    ['run', '--rm', '--name', name, '--publish', `127.0.0.1:${port}:${containerPort}`, ...args],
    options,
  );
  try {
    await firstAnswer(port, '/', {}).catch((error) => {
      throw new Error(`docker run ${args.join(' ')}: ${error}\n${running.output()}`);
    });
    return performance.now() - began;
  } finally {
    await mustRun(docker, ['rm', '--force', name], options);
    await running.finished;
  }
}

/** Both apps have the same Dockerfile and files. */
async function builtImage(dataDir: string): Promise<string> {
  const { api } = await connectEngine(engineEnv);
  const query = { filters: labelFilter({ [ownerLabel]: ownerOf(dataDir) }) };
  const [image] = await api.ask({ method: 'GET', path: '/images/json', query }, imagesSchema);
  if (image?.RepoTags[0] === undefined) throw new Error('no image was built');
  return image.RepoTags[0];
}

/** The folder in which this package was installed for the image. */
function packagesWith(name: string, folder: string): string {
  const found = readdirSync(folder, { recursive: true, withFileTypes: true }).find(
    (entry) => entry.isDirectory() && entry.name === name,
  );
  if (found === undefined) throw new Error(`${name} is not below ${folder}`);
  return found.parentPath;
}

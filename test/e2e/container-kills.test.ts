import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { connectEngine } from '../../emulator/local/docker/connect.ts';
import { labelFilter, ownerLabel, ownerOf } from '../../emulator/local/docker/labels.ts';
import { baseImage, isEngineMissing, ownEngine } from '../support/container-engine.ts';
import { type Emulator, startEmulator } from '../support/emulator.ts';
import { call, submit } from '../support/http.ts';
import { createProject } from '../support/project.ts';
import { pythonTools } from '../support/python.ts';
import { createRandom } from '../support/random.ts';
import { until } from '../support/wait.ts';

const kills = process.env.MINIFAL_SLOW ? 24 : 6;
const seed = Number(process.env.MINIFAL_CRASH_SEED ?? Date.now() % 100_000);

const pyproject = `
[tool.fal.apps.echo]
auth = "private"
exposed_port = 8000
keep_alive = 300
max_concurrency = 2

[tool.fal.apps.echo.image]
dockerfile = "Dockerfile"
cmd = ["python3", "/server.py"]
`;
const dockerfile = `FROM ${baseImage}\nENV RUN_OF_TEST=${randomUUID()}\nCOPY server.py /server.py\n`;
const server = `
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_error(404)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        time.sleep(0.3)
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass

ThreadingHTTPServer(("0.0.0.0", 8000), Handler).serve_forever()
`;
const listSchema = z.array(z.object({ Id: z.string() }));

describe.skipIf(isEngineMissing())('kill -9 with runners in containers', () => {
  it(`of the emulator and of the engine loses no request and leaves no container (${kills} kills, seed ${seed})`, {
    timeout: kills * 60_000 + 600_000,
  }, async () => {
    const random = createRandom(seed);
    const engine = await ownEngine();
    const dataDir = await mkdtemp(join(tmpdir(), 'minifal-container-kills-'));
    onTestFinished(() => rm(dataDir, { recursive: true, force: true, maxRetries: 5 }));
    const own = async () => {
      const { api } = await connectEngine(engine.env);
      const query = { all: '1', filters: labelFilter({ [ownerLabel]: ownerOf(dataDir) }) };
      return api.ask({ method: 'GET', path: '/containers/json', query }, listSchema);
    };
    let emulator: Emulator = await startEmulator({ dataDir, env: engine.env });
    onTestFinished(() => emulator.stop());
    const port = emulator.ports.api;
    const files = { 'pyproject.toml': pyproject, Dockerfile: dockerfile, 'server.py': server };
    const project = await createProject(await pythonTools(), emulator, files);
    onTestFinished(() => project.remove());
    await project.mustFal('deploy', 'echo');

    const accepted = new Map<string, number>();
    let next = 0;
    const load = async (isOver: () => boolean): Promise<void> => {
      while (!isOver()) {
        const number = next++;
        const id = await submit(emulator, 'local/echo', { number }).catch(() => undefined);
        if (id !== undefined) accepted.set(id, number);
        await delay(100);
      }
    };
    for (let kill = 0; kill < kills; kill++) {
      let isOver = false;
      const loading = load(() => isOver);
      // Any moment: while a container is created, starts or serves.
      await delay(random() * 2_500);
      if (kill % 3 === 1) {
        await engine.kill();
        await delay(random() * 500);
        await engine.restart();
      } else {
        await emulator.kill('SIGKILL');
        emulator = await startEmulator({ dataDir, port, env: engine.env });
      }
      isOver = true;
      await loading;
    }
    expect(accepted.size).toBeGreaterThan(kills);
    for (const [id, number] of accepted) {
      const path = `/local/echo/requests/${id}`;
      await until(
        `request ${number} is completed`,
        async () => {
          const status = await (await call(emulator, 'queue', `${path}/status`)).json();
          return z.object({ status: z.string() }).parse(status).status === 'COMPLETED';
        },
        { timeoutMs: 120_000 },
      );
      expect(await (await call(emulator, 'queue', path)).json()).toEqual({ number });
    }
    await until('only the runners that serve are left', async () => (await own()).length <= 2);
    await emulator.stop();
    expect(await own()).toEqual([]);
  });
});

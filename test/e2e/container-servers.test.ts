import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { tarOf } from '../../emulator/builds/container/tar.ts';
import { connectEngine } from '../../emulator/local/docker/connect.ts';
import { writeNvidiaSmi } from '../../emulator/local/gpus/testing/fake-nvidia-smi.ts';
import { logPageSchema } from '../../emulator/wire/log-lines.ts';
import { baseImage, engineEnv, isEngineMissing, startContainerEngine } from '../support/container-engine.ts';
import { type Emulator, startEmulator } from '../support/emulator.ts';
import { call } from '../support/http.ts';
import { createProject, type Project } from '../support/project.ts';
import { pythonTools } from '../support/python.ts';
import { until } from '../support/wait.ts';

/** What each server answers with. */
const aboutSchema = z.object({ server: z.string(), runner: z.string(), app: z.string() });

const nodeServer = `const { createServer } = require('node:http');
createServer((request, response) => {
  const { HOSTNAME: runner, FAL_APP_NAME: app } = process.env;
  response.end(JSON.stringify({ server: 'node', runner, app }));
}).listen(8000, '0.0.0.0');
createServer((request, response) => response.end('painted_total 7\\n')).listen(9100, '0.0.0.0');
`;

const app = `
import os, subprocess
import fal
from fal.container import ContainerImage

dockerfile = """FROM ${baseImage}
ENV RUN_OF_TEST=${randomUUID()}
"""
image = ContainerImage.from_dockerfile_str(dockerfile)
with_node = ContainerImage.from_dockerfile_str("FROM minifal-test-node:1\\n" + dockerfile.partition("\\n")[2])

@fal.function(kind="container", image=image, exposed_port=8000, machine_type="XS", requirements=["fastapi", "uvicorn"],
              keep_alive=300, min_concurrency=2, max_concurrency=2)
def with_fastapi():
    import socket, uvicorn
    from fastapi import FastAPI
    app = FastAPI()
    @app.get("/about")
    def about():
        return {"server": "fastapi", "runner": socket.gethostname(), "app": os.environ["FAL_APP_NAME"]}
    uvicorn.run(app, host="0.0.0.0", port=8000)

@fal.function(kind="container", image=image, exposed_port=8000, machine_type="XS", requirements=["flask"])
def with_flask():
    import socket
    from flask import Flask
    app = Flask("app")
    @app.get("/about")
    def about():
        return {"server": "flask", "runner": socket.gethostname(), "app": os.environ["FAL_APP_NAME"]}
    app.run(host="0.0.0.0", port=8000)

@fal.function(kind="container", image=image, exposed_port=8000, machine_type="XS", requirements=["flask"],
              min_concurrency=1)
def on_loopback():
    from flask import Flask
    Flask("app").run(port=8000)

@fal.function(kind="container", image=with_node, exposed_port=8000, machine_type="XS")
def with_node_server():
    subprocess.run(["node", "/server.js"], check=True)
`;
const pyproject = `
[tool.fal.apps.late-node]
auth = "private"
exposed_port = 8000
metrics_port = 9100
keep_alive = 300

[tool.fal.apps.late-node.image]
image = "minifal-test-node:1"
cmd = ["node", "/server.js"]

[tool.fal.apps.with-gpu]
machine_type = "GPU-H100"
exposed_port = 8000
min_concurrency = 1

[tool.fal.apps.with-gpu.image]
image = "minifal-test-node:1"
cmd = ["node", "/server.js"]
`;

describe.skipIf(isEngineMissing())('existing servers in containers', () => {
  let emulator: Emulator;
  let project: Project;
  let folder: string;

  beforeAll(async () => {
    await startContainerEngine();
    await nodeImage();
    folder = await mkdtemp(join(tmpdir(), 'minifal-servers-'));
    // The machine has a GPU, and its engine can't give it to containers.
    writeNvidiaSmi(folder, { 'query-gpu': { stdout: '0, GPU-aaaa, NVIDIA GeForce RTX 4090, 24564, [N/A]\n' } });
    const env = { ...engineEnv, PATH: [folder, process.env.PATH].join(delimiter) };
    emulator = await startEmulator({ dataDir: join(folder, 'data'), env });
    project = await createProject(await pythonTools(), emulator, { 'app.py': app, 'pyproject.toml': pyproject });
  }, 600_000);
  afterAll(async () => {
    await emulator?.stop();
    await project?.remove();
    await rm(folder, { recursive: true, force: true });
  });

  async function nodeImage(): Promise<void> {
    const { api } = await connectEngine(engineEnv);
    const text = `FROM ${baseImage}\nCOPY node /usr/bin/node\nCOPY server.js /server.js\n`;
    const tar = await tarOf([
      { path: 'Dockerfile', mode: 0o644, content: { bytes: Buffer.from(text) } },
      { path: 'server.js', mode: 0o644, content: { bytes: Buffer.from(nodeServer) } },
      { path: 'node', mode: 0o755, content: { file: process.execPath } },
    ]);
    await api.send({ method: 'POST', path: '/build', query: { t: 'minifal-test-node:1' }, tar });
  }

  const about = async (name: string) =>
    aboutSchema.parse(await (await call(emulator, 'run', `/local/${name}/about`)).json());

  it('a FastAPI server runs in several containers at once, each with the port for itself', async () => {
    await project.mustFal('deploy', 'app.py::with_fastapi', '--app-name', 'with-fastapi', '--auth', 'private');
    expect(await about('with-fastapi')).toMatchObject({ server: 'fastapi', app: 'local/with-fastapi' });
    const seen = new Set<string>();
    await until('both runners have answered', async () => seen.add((await about('with-fastapi')).runner).size === 2);
  });

  it.each([
    ['flask', 'app.py::with_flask', 'flask'],
    ['node', 'app.py::with_node_server', 'node'],
    ['late-node', 'late-node', 'node'],
  ])('%s', async (name, ref, server) => {
    const named = ref === name ? [] : ['--app-name', name, '--auth', 'private'];
    await project.mustFal('deploy', ref, ...named);
    expect(await about(name)).toMatchObject({ server, app: `local/${name}` });
  });

  it('its memory is in the metrics, and what it serves at the metrics port that it declares', async () => {
    const labels = `application="local/late-node"`;
    // For ten seconds at most, an earlier answer is repeated.
    const text = await until(
      'the metrics have both',
      async () => {
        const page = await (await call(emulator, 'api', '/v1/serverless/metrics')).text();
        return new RegExp(`memory_\\w+\\{[^}]*${labels}`).test(page) && page.includes('painted_total{') && page;
      },
      { timeoutMs: 60_000 },
    );
    expect(text).toMatch(new RegExp(`^painted_total\\{${labels},runner_id="[^"]+"\\} 7$`, 'm'));
    // Those of the others are neither there nor missed: nothing of theirs listens at the usual port.
    expect(text).not.toContain('are left out');
  });

  const untilLogged = (text: string) =>
    until(`the log has: ${text}`, async () => {
      const answer = await call(emulator, 'api', `/minifal/logs?text=${encodeURIComponent(text)}&limit=1`);
      return logPageSchema.parse(await answer.json()).lines.length === 1;
    });

  it('a server on the loopback address of its container is reported in the log', async () => {
    await project.mustFal('deploy', 'app.py::on_loopback', '--app-name', 'on-loopback');
    await untilLogged('loopback address only');
  });

  it('a GPU that the engine gives to no container is reported in the log, with the next step', async () => {
    await project.mustFal('deploy', 'with-gpu');
    await untilLogged('Install the NVIDIA Container Toolkit');
  });
});

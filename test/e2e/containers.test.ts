import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { connectEngine } from '../../emulator/local/docker/connect.ts';
import { labelFilter, ownerLabel, ownerOf } from '../../emulator/local/docker/labels.ts';
import { baseImage, engineEnv, isEngineMissing, startContainerEngine } from '../support/container-engine.ts';
import { type Emulator, minifalCommand, startEmulator } from '../support/emulator.ts';
import { createProject, type Project } from '../support/project.ts';
import { pythonTools } from '../support/python.ts';
import { root } from '../support/root.ts';
import { until } from '../support/wait.ts';

const secret = 'planted-build-secret-e2e';
const pyproject = `
[tool.fal.apps.plain]
auth = "private"
exposed_port = 8000
keep_alive = 300
max_multiplexing = 2

[tool.fal.apps.plain.image]
dockerfile = "Dockerfile"
build_args = { WHO = "Ann" }
secrets = { TOKEN = "${secret}" }
cmd = ["python3", "/server.py", "8000"]
`;
// Not what an earlier run of this test has left in the engine's cache.
const dockerfile = `FROM ${baseImage}
ENV RUN_OF_TEST=${randomUUID()}
ARG WHO
COPY server.py /server.py
RUN --mount=type=secret,id=TOKEN cat /run/secrets/TOKEN && echo built for $WHO
`;
const listSchema = z.array(z.object({ Id: z.string() }));

describe.skipIf(isEngineMissing())('an app that is only an image', () => {
  let emulator: Emulator;
  let project: Project;
  let folder: string;

  beforeAll(async () => {
    await startContainerEngine();
    folder = await mkdtemp(join(tmpdir(), 'minifal-containers-'));
    emulator = await startEmulator({ dataDir: folder, env: engineEnv });
    const server = await readFile(join(root, 'emulator/engines/docker/testing/server.py'), 'utf8');
    const files = { 'pyproject.toml': pyproject, Dockerfile: dockerfile, 'server.py': server };
    project = await createProject(await pythonTools(), emulator, files);
  }, 600_000);
  afterAll(async () => {
    await emulator?.stop();
    await project?.remove();
    await rm(folder, { recursive: true, force: true });
  });

  const ask = (path: string) => {
    const url = `http://127.0.0.1:${emulator.ports.run}/local/plain${path}`;
    return fetch(url, { headers: { authorization: emulator.authorization } }).then((answer) => answer.text());
  };
  const own = async (what: 'containers' | 'images') => {
    const { api } = await connectEngine(engineEnv);
    const query = { all: '1', filters: labelFilter({ [ownerLabel]: ownerOf(folder) }) };
    return api.ask({ method: 'GET', path: `/${what}/json`, query }, listSchema);
  };

  it('is built, deployed, called and seen in its log by the real command, without a line of Python', async () => {
    const output = await project.mustFal('deploy', 'plain');
    expect(output).toMatch(/\[3\/3\] RUN .*\n(.*\n)*.*built for Ann/);
    expect(output).not.toContain(secret);
    expect(await ask('/hello')).toBe('/hello');
    expect(await ask('/env/FAL_APP_NAME')).toBe('local/plain');
    expect(await ask('/call/local/plain/env/FAL_APP_NAME')).toBe('local/plain');
    await ask('/print/words');
    await until('its line is in the log', async () => {
      const logs = await project.fal('apps', 'runners', 'plain');
      return logs.code === 0 && logs.stdout.includes('IDLE');
    });
  });

  it('is run by fal run while that runs, under a name of its own, with its lines in the terminal', async () => {
    const running = project.startFal('run', 'plain');
    const address = new RegExp(`//localhost:${emulator.ports.run}/(local/[\\w-]+)`);
    const name = await until('its address is printed', () => address.exec(running.output())?.[1]);
    const url = `http://127.0.0.1:${emulator.ports.run}/${name}/print/here`;
    expect((await fetch(url, { headers: { authorization: emulator.authorization } })).status).toBe(200);
    await until('its line is printed', () => running.output().includes('printed here'));
    running.signal('SIGINT');
    await running.finished;
    await until('only the deployed app has a container', async () => (await own('containers')).length <= 1);
  });

  it('is removed when the emulator was killed, and runs again from the same image', async () => {
    await ask('/hello');
    const [before] = await own('containers');
    await emulator.kill('SIGKILL');
    expect(await own('containers')).toEqual([before]);
    const port = emulator.ports.api;
    emulator = await startEmulator({ dataDir: folder, env: engineEnv, port });
    await until('its container is gone', async () => (await own('containers')).every(({ Id }) => Id !== before?.Id));
    expect(await ask('/again')).toBe('/again');
  });

  it('leaves its build secret in no file of the data folder', () => {
    const found = execFileSync('sh', ['-c', `grep -rl ${secret} ${folder} || true`], { encoding: 'utf8' });
    expect(found).toBe('');
  });

  it('has its image removed by clean, once it was deleted', async () => {
    await emulator.stop();
    const clean = () =>
      execFileSync(process.execPath, [minifalCommand, 'clean', '--data', folder], {
        env: { ...process.env, ...engineEnv },
        encoding: 'utf8',
      });
    expect(await own('containers')).toEqual([]);
    clean();
    expect(await own('images')).toHaveLength(1);
    emulator = await startEmulator({ dataDir: folder, env: engineEnv, port: emulator.ports.api });
    const [revision = ''] = (await project.mustFal('apps', 'list-rev', 'plain')).match(/[0-9a-f-]{36}/g) ?? [];
    await project.mustFal('apps', 'delete', 'plain');
    await project.mustFal('apps', 'delete-rev', revision);
    await emulator.stop();
    expect(clean()).toContain('1 unused images');
    expect(await own('images')).toEqual([]);
    emulator = await startEmulator({
      dataDir: folder,
      port: emulator.ports.api,
      env: { DOCKER_HOST: 'unix:///no/socket' },
    });
  });

  it('without an engine is refused with the next step', async () => {
    const { code, stdout, stderr } = await project.fal('deploy', 'plain');
    expect(code).not.toBe(0);
    expect((stdout + stderr).replace(/\s+/g, ' ')).toMatch(/unix:\/\/\/no\/socket.*Start it.*DOCKER_NOT_RUNNING/);
  });
});

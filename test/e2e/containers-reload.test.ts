import { randomUUID } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { baseImage, engineEnv, isEngineMissing, startContainerEngine } from '../support/container-engine.ts';
import { debugged } from '../support/debugged.ts';
import { type Emulator, minifalCommand, startEmulator } from '../support/emulator.ts';
import { type Running, start } from '../support/process.ts';
import { createProject, type Project } from '../support/project.ts';
import { pythonTools } from '../support/python.ts';
import { until } from '../support/wait.ts';

const app = `
import os
import fal
from fal.container import ContainerImage

class Demo(fal.App, keep_alive=300, name="demo", image=ContainerImage.from_dockerfile("Dockerfile")):
    machine_type = "GPU-H100"

    def setup(self):
        self.model = os.urandom(4).hex()

    @fal.endpoint("/")
    def main(self) -> dict:
        with open("/copied.txt") as file:
            copied = file.read()
        return {"code": "one", "image": os.environ["IN_IMAGE"], "copied": copied, "model": self.model}
`;
const dockerfile = `FROM ${baseImage}
ENV RUN_OF_TEST=${randomUUID()} IN_IMAGE=first
COPY copied.txt /copied.txt
`;

/** A loaded machine takes its time for each step. */
const patient = { timeoutMs: 120_000 };

describe.skipIf(isEngineMissing())('saves of an app in an image that `minifal run --watch` runs', () => {
  let emulator: Emulator;
  let project: Project;
  let running: Running;
  let url: string;

  beforeAll(async () => {
    await startContainerEngine();
    emulator = await startEmulator({ env: engineEnv, args: ['--gpus', '1xH100'] });
    const files = { 'app.py': app, Dockerfile: dockerfile, 'copied.txt': 'as sent' };
    project = await createProject(await pythonTools(), emulator, files);
    const { python, env } = await pythonTools();
    const args = ['run', '--data', emulator.dataDir, 'app.py::Demo', '--watch', '--debug', '--python', python];
    running = start(process.execPath, [minifalCommand, ...args], { cwd: project.folder, env: env(emulator.env) });
    const address = new RegExp(`//localhost:${emulator.ports.run}/[\\w-]+/([\\w-]+)`);
    const on = debugged(emulator, project.folder);
    const unfollow = await on.follow();
    try {
      const alias = await until('the app is served', () => address.exec(running.output())?.[1], patient);
      const id = await on.runnerOf(alias);
      await on.untilDebug(id, 'waiting');
      await on.send('PUT', `/minifal/runs/${alias}/debug`, { wait: false });
      await until('the app is watched', () => /^minifal: Watching /m.test(running.output()), patient);
      url = `http://localhost:${emulator.ports.run}/local/${alias}/`;
    } catch (error) {
      throw new Error(`${error}; it printed ${running.output()}`);
    } finally {
      await unfollow();
    }
  }, 600_000);
  afterAll(async () => {
    running?.signal('SIGINT');
    await running?.finished;
    await project?.remove();
    await emulator?.stop();
  });

  const ask = async () => (await fetch(url, { method: 'POST', body: '{}' })).json() as Promise<Record<string, string>>;

  async function save(name: string, edit: (text: string) => string): Promise<string> {
    const before = outcomes().length;
    const file = join(project.folder, name);
    const text = edit(await readFile(file, 'utf8'));
    await writeFile(`${file}.tmp`, text);
    await rename(`${file}.tmp`, file);
    return until('the save is reloaded', () => outcomes()[before], patient);
  }
  const outcomes = () =>
    [...running.output().matchAll(/^minifal: \S+: (.*) \(\d+ ms after the save\)$/gm)].map(([, text = '']) => text);

  it('after its start waited for a debugger, change its code, restart it or build its image', async () => {
    const first = await ask();
    expect(first).toMatchObject({ code: 'one', image: 'first', copied: 'as sent' });
    expect(await save('app.py', (text) => text.replace('"one"', '"two"'))).toMatch(/^Swapped in .*model kept/);
    expect(await ask()).toEqual({ ...first, code: 'two' });
    const restarted = await save('app.py', (text) => text.replace('urandom(4)', 'urandom(5)'));
    expect(restarted).toMatch(/^Restarted in .*: Demo\.setup changed/);
    const second = await ask();
    expect(second).toEqual({ ...first, code: 'two', model: expect.stringMatching(/^.{10}$/) });
    const copied = await save('copied.txt', () => 'saved');
    expect(copied).toMatch(/^Restarted in .*: A file that is copied into the image changed/);
    expect(await ask()).toMatchObject({ code: 'two', image: 'first', copied: 'saved' });
    const built = await save('Dockerfile', (text) => text.replace('IN_IMAGE=first', 'IN_IMAGE=second'));
    expect(built).toMatch(/^Restarted in .*image\) changed/);
    expect(await ask()).toMatchObject({ code: 'two', image: 'second', copied: 'saved' });
  });
});

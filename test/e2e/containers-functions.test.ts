import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { appFrame, logPageSchema } from '../../emulator/wire/log-lines.ts';
import { runnerStacksSchema } from '../../emulator/wire/runner-stacks.ts';
import { baseImage, engineEnv, isEngineMissing, startContainerEngine } from '../support/container-engine.ts';
import { debugged } from '../support/debugged.ts';
import { type Emulator, startEmulator } from '../support/emulator.ts';
import { call } from '../support/http.ts';
import { createProject, type Project } from '../support/project.ts';
import { pythonTools } from '../support/python.ts';
import { until } from '../support/wait.ts';

const app = `
import os, sys
import fal
from fal.container import ContainerImage
from fal.toolkit import KVStore
from pydantic import BaseModel

image = ContainerImage.from_dockerfile_str("""FROM ${baseImage}
ENV RUN_OF_TEST=${randomUUID()} IN_IMAGE=yes
""")

class Text(BaseModel):
    text: str = ""

class Inside(fal.App, keep_alive=300, max_multiplexing=2, name="inside", image=image):
    machine_type = "XS"
    requirements = ["fal_client==1.0.3"]

    @fal.endpoint("/about")
    def about(self, input: Text) -> dict:
        print("printed", input.text)
        if input.text == "bad":
            raise KeyError("no text")
        return {"image": os.environ.get("IN_IMAGE"), "python": sys.executable, "text": input.text}  # in about

    @fal.endpoint("/clients")
    def clients(self) -> dict:
        import fal_client, httpx
        store = KVStore("db")
        store.set("k", "v")
        file = fal_client.upload(b"one", "text/plain")
        return {"kv": store.get("k"), "upload": httpx.get(file).text,
                "self": fal_client.run("local/inside", {"text": "again"}, path="/about")["text"]}

class Broken(fal.App, keep_alive=300, name="broken", image=image):
    machine_type = "XS"

    def setup(self):
        raise RuntimeError("no weights here")

    @fal.endpoint("/")
    def main(self) -> dict:
        return {}

@fal.function(kind="container", image=image, machine_type="XS")
def double(number: int = 21):
    if number < 0:
        raise ValueError("too small")
    return number * 2
`;

describe.skipIf(isEngineMissing())('functions and classes of the SDK in an image', () => {
  let emulator: Emulator;
  let project: Project;
  let folder: string;

  beforeAll(async () => {
    await startContainerEngine();
    folder = await mkdtemp(join(tmpdir(), 'minifal-functions-'));
    emulator = await startEmulator({ dataDir: folder, env: engineEnv });
    project = await createProject(await pythonTools(), emulator, { 'app.py': app });
  }, 600_000);
  afterAll(async () => {
    await emulator?.stop();
    await project?.remove();
    await rm(folder, { recursive: true, force: true });
  });

  const ask = async (path: string, body: object) => {
    const answer = await fetch(`http://127.0.0.1:${emulator.ports.run}/local/inside${path}`, {
      method: 'POST',
      headers: { authorization: emulator.authorization, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return answer.json();
  };

  const logged = async (text: string) => {
    const answer = await call(emulator, 'api', `/minifal/logs?text=${encodeURIComponent(text)}&limit=100`);
    return logPageSchema.parse(await answer.json()).lines;
  };
  const lineOf = (code: string) => app.split('\n').findIndex((line) => line.includes(code)) + 1;

  it('an app runs on the Python of the image, where its clients reach the emulator', async () => {
    await project.mustFal('deploy', 'app.py::Inside', '--auth', 'private');
    expect(await ask('/about', { text: 'hello' })).toEqual({ image: 'yes', python: '/usr/bin/python', text: 'hello' });
    expect(await ask('/clients', {})).toEqual({ kv: 'v', upload: 'one', self: 'again' });
    await until('its line is in the log with its request', async () =>
      (await logged('printed hello')).some(({ requestId }) => requestId !== null),
    );
    const ofServer = await until('the lines of its web server are there', async () => {
      const lines = [...(await logged('Application startup complete')), ...(await logged('"POST /about HTTP'))];
      return lines.length > 2 && lines;
    });
    expect(ofServer.filter(({ isServer }) => !isServer)).toEqual([]);
  });

  it('its own metrics are in those of the emulator', async () => {
    await until(
      'they have a request',
      async () => {
        const page = await (await call(emulator, 'api', '/v1/serverless/metrics')).text();
        return /^http_requests_total\{application="local\/inside",/m.test(page);
      },
      { timeoutMs: 60_000 },
    );
  });

  it('its lines and exceptions have their places in the files of the project', async () => {
    const follower = await call(emulator, 'api', '/minifal/logs/follow?places=1');
    const printed = await until('a line has its place', async () => {
      await ask('/about', { text: 'placed' });
      return (await logged('printed placed')).find(({ place }) => place !== null);
    });
    await follower.body?.cancel();
    const file = join(project.folder, 'app.py');
    expect(printed.place).toEqual({ file, line: lineOf('print("printed"') });
    await ask('/about', { text: 'bad' });
    const { exception, requestId } = await until('the exception is in the log', async () =>
      (await logged('no text')).find((row) => row.exception !== null),
    );
    expect(requestId).not.toBeNull();
    expect(exception && appFrame(exception)).toMatchObject({ file, line: lineOf('raise KeyError') });
  });

  it('a setup() that raises fails its deploy with the exception and its place', async () => {
    await project.mustFal('deploy', 'app.py::Broken', '--auth', 'private', '--strategy', 'recreate');
    const { code, stdout, stderr } = await project.fal('deploy', 'app.py::Broken', '--strategy', 'rolling');
    expect([code, stdout + stderr]).toEqual([
      1,
      expect.stringContaining('the last exception: RuntimeError: no weights here'),
    ]);
    expect(stdout + stderr).toContain(`(${join(project.folder, 'app.py')}, line ${lineOf('no weights here')})`);
    const { exception } = await until('the exception is in the log', async () =>
      (await logged('no weights')).find((row) => row.exception !== null),
    );
    expect(exception).toMatchObject({ phase: 'setup' });
  });

  it('a debugger stops in it, shows what its threads do, and lets it continue', async () => {
    const on = debugged(emulator, project.folder);
    try {
      const id = await on.runnerOf('inside');
      const dap = await on.attach(id, { 'app.py': ['about'] });
      const answer = ask('/about', { text: 'debugged' });
      const stop = await dap.stopped();
      expect(stop).toMatchObject({ file: join(project.folder, 'app.py'), line: await on.lineOf('about') });
      expect((await dap.variables(stop.id)).get('input')).toContain('debugged');
      await on.untilDebug(id, 'paused');
      const { threads } = runnerStacksSchema.parse(await (await on.asOwner(`/minifal/runners/${id}/stacks`)).json());
      expect(threads.flatMap(({ frames }) => frames)).toContainEqual(
        expect.objectContaining({ file: stop.file, line: stop.line, user: true }),
      );
      await dap.resume(stop.threadId);
      expect(await answer).toMatchObject({ text: 'debugged' });
      await dap.detach();
      await on.untilDebug(id, null);
    } finally {
      await on.close();
    }
  });

  it('a plain function returns its value, or raises', async () => {
    const calls = `import json, app
def raised():
    try: app.double(number=-1)
    except Exception as error: return repr(error)
print(json.dumps([app.double(number=4), raised()]))`;
    expect(await project.pythonJson(calls)).toEqual([8, "ValueError('too small')"]);
  });
});

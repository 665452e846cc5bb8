import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Checkout, checkOut } from '../conformance/checkout.ts';
import { sdks } from '../conformance/sdks.ts';
import { type Emulator, startEmulator } from '../support/emulator.ts';
import { call, owner } from '../support/http.ts';
import { createProject, type Project } from '../support/project.ts';
import { pythonTools } from '../support/python.ts';

/** Names the module `fal` in a method's body, as the docstring of `fal.App` does. */
const app = `
import fal

class Whole(fal.App, keep_alive=60):
    machine_type = "XS"

    @fal.endpoint("/")
    def root(self) -> dict:
        store = fal.toolkit.KVStore("db")
        store.set("k", "v")
        file = fal.toolkit.File.from_bytes(b"x")
        return {"stored": store.get("k"), "file": file.url.startswith("https://localhost:")}

class Pinned(fal.App, keep_alive=60):
    requirements = ["rich==13.9.4"]

    @fal.endpoint("/")
    def root(self) -> dict:
        import rich
        from importlib.metadata import version
        whole = fal.toolkit.KVStore.__name__
        return {"own": version("rich"), "sdk": version("fal"), "whole": whole, "at": rich.__file__}

@fal.function(requirements=["pyjokes"])
def whole():
    print("has", fal.toolkit.KVStore.__name__)
`;

let emulator: Emulator;
let project: Project;
let examples: Checkout;
let account: string;

beforeAll(async () => {
  const tools = await pythonTools();
  const source = sdks[0]?.suites[0]?.source;
  if (!source) throw new Error('the newest SDK has no source');
  examples = await checkOut(source, tools);
  emulator = await startEmulator();
  project = await createProject(tools, emulator, { 'whole.py': app });
  account = await owner(emulator);
});
afterAll(async () => {
  await project?.remove();
  await examples?.remove();
  await emulator?.stop();
});

describe("the examples in fal's own source distribution, unmodified", { timeout: 300_000 }, () => {
  it.each(['echo', 'filter', 'motion', 'video'])('wma_%s.py deploys, starts and answers', async (name) => {
    const file = join(examples.folder, 'examples', `wma_${name}.py`);
    const title = `${name.charAt(0).toUpperCase()}${name.slice(1)}App`;
    expect(await readFile(file, 'utf8')).toContain(`class ${title}(fal.wma.App)`);
    await project.mustFal('deploy', `${file}::${title}`, '--app-name', name);
    const schema = await call(emulator, 'run', `/${account}/${name}/openapi.json`);
    expect(await schema.json()).toHaveProperty(['paths', '/start-session']);
    const refused = await call(emulator, 'run', `/${account}/${name}/start-session`, { body: { sdp: 1 } });
    expect(refused.status).toBe(422);
  });
});

describe('an app whose method names the module fal', { timeout: 300_000 }, () => {
  it('starts, and can use the SDK in the runner', async () => {
    await project.mustFal('deploy', 'whole.py::Whole', '--app-name', 'whole');
    const answer = await call(emulator, 'run', `/${account}/whole`, { body: {} });
    expect(await answer.json()).toEqual({ stored: 'v', file: true });
  });

  it('keeps its own versions of packages that the SDK also requires', async () => {
    await project.mustFal('deploy', 'whole.py::Pinned', '--app-name', 'pinned');
    const answer = await call(emulator, 'run', `/${account}/pinned`, { body: {} });
    const at = expect.stringContaining('/environments/');
    expect(await answer.json()).toEqual({ own: '13.9.4', sdk: sdks[0]?.version, whole: 'KVStore', at });
  });

  it('runs as a plain function, too', async () => {
    expect(await project.mustFal('run', 'whole.py::whole')).toContain('has KVStore');
  });
});

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Emulator, startEmulator } from '../support/emulator.ts';
import { isMissing } from '../support/needs.ts';
import { makeWheel, type PrivateIndex, startPrivateIndex } from '../support/private-index.ts';
import { createProject, type Project } from '../support/project.ts';
import { type PythonTools, pythonTools } from '../support/python.ts';
import { mountSmallDisk } from '../support/small-disk.ts';

let folder: string;
let tools: PythonTools;
let index: PrivateIndex;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'minifal-requirements-'));
  tools = await pythonTools();
  const wheel = await makeWheel(tools.python, folder, 'minifal_tiny', '1.2.3');
  index = await startPrivateIndex(folder, { 'minifal-tiny': wheel });
});
afterAll(async () => {
  index?.close();
  await rm(folder, { recursive: true, force: true });
});

/** A function that prints the version of a module in its requirements. */
const source = (requirement: string, module: string) => `
import fal


@fal.function(machine_type="XS", requirements=[${requirement}])
def work():
    import ${module}

    print("version", ${module}.VERSION)
`;

/** Runs it with `fal run` against this emulator. Returns the whole output. */
async function printed(
  emulator: Emulator,
  text: string,
  prepare?: (project: Project) => Promise<void>,
): Promise<string> {
  const project = await createProject(tools, emulator, { 'work.py': text });
  try {
    await prepare?.(project);
    const done = await project.fal('run', 'work.py::work');
    return done.stdout + done.stderr;
  } finally {
    await project.remove();
  }
}

async function withEmulator<T>(env: NodeJS.ProcessEnv, use: (emulator: Emulator) => Promise<T>): Promise<T> {
  const emulator = await startEmulator({ env });
  try {
    return await use(emulator);
  } finally {
    await emulator.stop();
  }
}

it('a requirement may be a local project, and a wheel in the own storage', async () => {
  // Builds must reach the emulator's own storage without the proxy.
  const env = { NO_PROXY: 'pypi.org,files.pythonhosted.org', no_proxy: 'pypi.org,files.pythonhosted.org' };
  const proxies = { HTTP_PROXY: 'http://127.0.0.1:9', HTTPS_PROXY: 'http://127.0.0.1:9' };
  await withEmulator({ ...env, ...proxies }, async (emulator) => {
    const local = await printed(emulator, source('"./lib"', 'mylib'), async (project) => {
      await mkdir(join(project.folder, 'lib', 'mylib'), { recursive: true });
      await writeFile(join(project.folder, 'lib', 'pyproject.toml'), pyproject);
      await writeFile(join(project.folder, 'lib', 'mylib', '__init__.py'), 'VERSION = "4.5.6"\n');
    });
    expect(local).toContain('version 4.5.6');

    const stored = await createProject(tools, emulator, {});
    const url = await stored.pythonJson(upload, join(folder, 'minifal_tiny-1.2.3-py3-none-any.whl'));
    await stored.remove();
    expect(await printed(emulator, source(`"minifal_tiny @ ${url}"`, 'minifal_tiny'))).toContain('version 1.2.3');
  });
});

const pyproject = `
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "mylib"
version = "4.5.6"

[tool.setuptools]
packages = ["mylib"]
`;

const upload = `
import json, os, sys
import fal_client
fal_client.client.REST_URL = fal_client.client.CDN_URL = "https://" + os.environ["FAL_REST_HOST"]
print(json.dumps(fal_client.upload_file(sys.argv[1])))
`;

it("in a network with a private authority, builds use the system's certificates, or report the next step", async () => {
  const work = source('"minifal-tiny"', 'minifal_tiny');
  const env = { UV_DEFAULT_INDEX: index.url };
  const refused = await withEmulator(env, (emulator) => printed(emulator, work));
  expect(refused).toMatch(/UnknownIssuer/);
  expect(refused).toContain('add its certificate to the');
  expect(refused).toContain('SSL_CERT_FILE');
  const trusted = await withEmulator({ ...env, SSL_CERT_FILE: index.authority }, (emulator) => printed(emulator, work));
  expect(trusted).toContain('version 1.2.3');
  // pip's own setting also applies to uv.
  const { SSL_CERT_FILE: _, ...pip } = { ...env, SSL_CERT_FILE: undefined, PIP_CERT: index.authority };
  expect(await withEmulator(pip, (emulator) => printed(emulator, work))).toContain('version 1.2.3');
});

it("if the home folder can't be written, builds keep their cache in the data folder", async () => {
  const env = { HOME: '/proc/no-home', UV_CACHE_DIR: undefined, XDG_CACHE_HOME: undefined };
  const output = await withEmulator(
    { ...env, SSL_CERT_FILE: index.authority, UV_DEFAULT_INDEX: index.url },
    (emulator) => printed(emulator, source('"minifal-tiny"', 'minifal_tiny')),
  );
  expect(output).toContain('version 1.2.3');
});

const small = await mountSmallDisk(64, 'noexec');
afterAll(() => small?.remove());
it.skipIf(isMissing(small, 'a noexec data folder: mounting one takes root'))(
  'where no program can run from the data folder, a failed build names the mount',
  async () => {
    const place = small?.folder ?? '';
    const emulator = await startEmulator({ dataDir: place });
    try {
      const output = await printed(emulator, source('"minifal-tiny"', 'minifal_tiny'));
      expect(output).toContain(`No program can run from the data folder ${place}: ${place} is mounted noexec.`);
      expect(output).toContain('(DATA_FOLDER_NOEXEC)');
    } finally {
      await emulator.stop();
    }
  },
);

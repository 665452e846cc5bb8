import { chmod, lstat, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Emulator, startEmulator } from '../support/emulator.ts';
import { createProject, type Project } from '../support/project.ts';
import { pythonTools } from '../support/python.ts';

const source = `
import fal


@fal.function(machine_type="XS")
def work():
    import locale, os, tempfile

    print("in", tempfile.gettempdir(), locale.setlocale(locale.LC_CTYPE), "ä 数")
    with open("/data/made" if os.path.isdir("/data") else os.environ["HF_HOME"], "w") as file:
        file.write("x")
`;

let dataDir: string;
let emulator: Emulator;
let project: Project;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'minifal-loose-'));
  // Made before by a person, for everybody to look into.
  await chmod(dataDir, 0o755);
  emulator = await startEmulator({
    dataDir,
    through: ['sh', '-c', 'umask 000; exec "$@"', 'sh'],
    env: { TMPDIR: '/no/such/folder', LANG: 'C', LC_ALL: 'C' },
  });
  project = await createProject(await pythonTools(), emulator, { 'work.py': source });
});
afterAll(async () => {
  await project?.remove();
  await emulator?.stop();
  await rm(dataDir, { recursive: true, force: true });
});

it('without a locale and a temporary folder, builds and runs', async () => {
  await project.mustFal('secrets', 'set', 'TOKEN=very-private');
  expect(await project.mustFal('run', 'work.py::work')).toMatch(/in \/(var\/)?tmp .+ ä 数/);
});

it('with a umask that hides nothing, keeps to itself what is private, and where programs run from', async () => {
  const loose: string[] = [];
  for (const name of await readdir(dataDir)) {
    const { mode } = await lstat(join(dataDir, name));
    // The authority's certificate and the bundle are for every program to read.
    if ((mode & 0o077) !== 0) loose.push(name);
  }
  expect(loose).toEqual([]);
  expect(await readdir(dataDir)).toEqual(expect.arrayContaining(['environments', 'key', 'minifal.db', 'secret.key']));
});

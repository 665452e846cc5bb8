import { spawnSync } from 'node:child_process';
import { chmod, lstat, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Emulator, minifalCommand, startEmulator } from '../support/emulator.ts';
import { isMissing } from '../support/needs.ts';
import { run } from '../support/process.ts';
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
  // Created by the user beforehand, readable for everyone.
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

it('with a permissive umask, protects private files and the folders of its programs', async () => {
  const loose: string[] = [];
  for (const name of await readdir(dataDir)) {
    const { mode } = await lstat(join(dataDir, name));
    // Every program may read the authority's certificate and the bundle.
    if ((mode & 0o077) !== 0) loose.push(name);
  }
  expect(loose).toEqual([]);
  expect(await readdir(dataDir)).toEqual(expect.arrayContaining(['environments', 'key', 'minifal.db', 'secret.key']));
});

// Root can read everything, so this gives up root's rights.
const ordinary = process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-all', '--inh-caps=-all'] : [];
const canDrop = ordinary.length === 0 || spawnSync('setpriv', ['--version']).error === undefined;
it.skipIf(isMissing(canDrop, 'files of another user: setpriv (util-linux) takes rights away'))(
  'of a data folder that this user may not use, every command says so in a sentence',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'minifal-denied-'));
    const commands = ['start', 'env', 'status'];
    try {
      for (const name of ['key', 'secret.key', 'token.key']) {
        // A start may have created the file already; the mode applies only to new files.
        await rm(join(folder, name), { force: true });
        await writeFile(join(folder, name), 'x', { mode: 0 });
        for (const command of name === 'key' ? commands : ['start']) {
          const args = [...ordinary, process.execPath, minifalCommand, command, '--data', folder];
          const [program = '', ...rest] = command === 'start' ? [...args, '--port', '0'] : args;
          const { code, stderr } = await run(program, rest, { timeoutMs: 30_000 });
          expect([name, command, code, stderr]).toEqual([
            name,
            command,
            1,
            expect.stringMatching(/^minifal: .+\n.+\n$/),
          ]);
        }
        await rm(join(folder, name), { force: true });
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
);

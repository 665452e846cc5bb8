import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createProblemList } from '../../extension/problems/problem-list.ts';
import type { AppCode } from '../../extension/problems/runner-paths.ts';
import { createLiveClient, type LiveState } from '../../extension/target/live.ts';
import { type Emulator, startEmulator } from '../support/emulator.ts';
import { call, owner } from '../support/http.ts';
import { painterFiles } from '../support/painter-files.ts';
import { createProject, type Project } from '../support/project.ts';
import { pythonTools } from '../support/python.ts';
import { until } from '../support/wait.ts';

const files = {
  ...painterFiles,
  'weights.py': `import fal


class Weights(fal.App):
    machine_type = "XS"

    def setup(self):
        raise RuntimeError("There are no weights.")

    @fal.endpoint("/")
    def answer(self) -> str:
        return "yes"
`,
  'needs.py': `import fal


class Needs(fal.App):
    machine_type = "XS"
    requirements = [
        "no-such-package-of-minifal==1.2",
    ]

    @fal.endpoint("/")
    def answer(self) -> str:
        return "yes"
`,
};

let dataDir: string;
let emulator: Emulator;
let project: Project;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'minifal-exceptions-'));
  emulator = await startEmulator({ dataDir });
  project = await createProject(await pythonTools(), emulator, files);
});
afterAll(async () => {
  await project?.remove();
  await emulator?.stop();
  await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
});

/** The problems that an editor shows for the project, as `FILE:LINE MESSAGE`. */
function follow() {
  const list = createProblemList();
  const read = (path: string) => (existsSync(path) ? readFileSync(path, 'utf8') : undefined);
  const apps = ['painter', 'weights', 'needs'].map((name): AppCode => {
    return { path: join(project.folder, `${name}.py`), aliases: [name], filesRoot: project.folder, project: undefined };
  });
  const has = (path: string) => path.startsWith(`${project.folder}/`) && existsSync(path);
  const key = emulator.authorization.slice('Key '.length);
  const { close } = createLiveClient({ address: `http://localhost:${emulator.ports.api}`, key }).follow({
    onState: (live: LiveState) => list.update(live, { apps, links: [], has, read, changedAt: () => 0 }, Date.now()),
    onEnd: () => undefined,
  });
  return {
    close,
    problems: () =>
      [...list.byFile()].flatMap(([file, all]) =>
        all.map(({ place, message, callers }) => {
          const from = callers
            .map((caller) => ` < ${caller.file.slice(project.folder.length + 1)}:${caller.line}`)
            .join('');
          return `${file.slice(project.folder.length + 1)}:${place.line} ${message}${from}`;
        }),
      ),
  };
}

async function send(path: string, style: string): Promise<number> {
  const app = `${await owner(emulator)}/${path}`;
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ style }) };
  return (await call(emulator, 'run', `/${app}`, init)).status;
}

it('ends each exception at its line of the project, until the same call succeeds', async () => {
  await project.mustFal('deploy', 'painter.py::Painter');
  const { problems, close } = follow();
  const key = "styles.py:5 KeyError: 'grass' < painter.py:18";
  const size = "brushes/sizes.py:2 ValueError: invalid literal for int() with base 10: 'wide' < painter.py:24";
  expect(await send('painter', 'grass')).toBe(500);
  expect(await send('painter/brush', 'wide')).toBe(500);
  await until('both are shown', () => problems().length === 2);
  expect(problems().sort()).toEqual([size, key]);
  expect(await send('painter/brush', '3')).toBe(200);
  await until('one is left', () => problems().length === 1);
  expect(problems()).toEqual([key]);
  close();
});

it('ends a failed start, and a requirement, at their lines, and knows endpoints again after a restart', async () => {
  const before = follow();
  expect((await project.fal('run', 'weights.py::Weights')).code).not.toBe(0);
  expect((await project.fal('deploy', 'needs.py::Needs')).code).not.toBe(0);
  const start = 'weights.py:8 RuntimeError: There are no weights.';
  const requirement = 'needs.py:7 no-such-package-of-minifal is not in the package index.';
  const key = "styles.py:5 KeyError: 'grass' < painter.py:18";
  await until('all are shown', () => before.problems().length === 3);
  expect(before.problems().sort()).toEqual([requirement, key, start]);
  before.close();
  await emulator.stop();
  emulator = await startEmulator({ dataDir });
  const after = follow();
  await until('one is shown', () => after.problems().length === 1);
  expect(after.problems()).toEqual([key]);
  expect(await send('painter', 'sky')).toBe(200);
  await until('none is left', () => after.problems().length === 0);
  after.close();
});

import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { mustRun, run, start } from '../support/process.ts';
import { root } from '../support/root.ts';
import { findUv } from '../support/uv.ts';
import { until } from '../support/wait.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'minifal-pack-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('the package of `npm pack` installs a command that starts, shows and stops the emulator', async () => {
  // Without its scripts: the tests have built dist/ already, and other tests use it.
  await mustRun('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder], { cwd: root });
  const [packed] = await readdir(folder);
  const install = ['install', '--silent', '--no-audit', '--no-fund', '--prefix', folder, join(folder, packed ?? '')];
  await mustRun('npm', install, { cwd: folder });

  const minifal = join(folder, 'node_modules', '.bin', 'minifal');
  const env = { ...process.env, MINIFAL_DATA: join(folder, 'data'), MINIFAL_UV: await findUv() };
  expect((await run(minifal, ['status'], { env, cwd: folder })).code).not.toBe(0);
  const emulator = start(minifal, ['start', '--port', '0'], { env, cwd: folder });
  await until('the emulator runs', async () => (await run(minifal, ['status'], { env, cwd: folder })).code === 0);
  await mustRun(minifal, ['stop'], { env, cwd: folder });
  expect((await emulator.finished).code).toBe(0);
});
